package imagegc

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Why images are removed, in the metric.
const (
	forAge   = "age"
	forSpace = "space"
)

// removeImages removes images. One that cannot be removed holds up no other.
type removeImages struct {
	images      []candidate
	reason, why string
}

func (s *removeImages) Verb() string { return "remove" }
func (s *removeImages) String() string {
	var names []string
	for _, image := range s.images {
		names = append(names, image.name)
	}
	return fmt.Sprintf("remove %d images that nobody uses (%s)", len(names), strings.Join(names, ", "))
}
func (s *removeImages) Why() string { return s.why }

func (s *removeImages) Do(ctx context.Context, c *Collector) error {
	var errs []error
	for _, image := range s.images {
		if err := c.Runtime.RemoveImage(ctx, &runtimeapi.ImageSpec{Image: image.id, RuntimeHandler: image.handler}); err != nil {
			errs = append(errs, fmt.Errorf("removing image %s: %w", image.name, err))
			continue
		}
		collected.WithLabelValues(s.reason).Inc()
	}
	return errors.Join(errs...)
}

// nameOf is what people call an image.
func nameOf(image *runtimeapi.Image) string {
	for _, names := range [][]string{image.GetRepoTags(), image.GetRepoDigests()} {
		if len(names) > 0 {
			return names[0]
		}
	}
	return image.GetId()
}

// fail says that not enough could be done, to whoever looks at the node as well.
type fail struct{ reason, message string }

func (s *fail) Verb() string   { return "event" }
func (s *fail) String() string { return fmt.Sprintf("record event %s: %s", s.reason, s.message) }
func (s *fail) Why() string    { return "" }

func (s *fail) Do(_ context.Context, c *Collector) error {
	c.NodeEvent(corev1.EventTypeWarning, s.reason, s.message)
	return errors.New(s.message)
}
