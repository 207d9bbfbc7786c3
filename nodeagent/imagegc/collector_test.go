package imagegc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/orrery-dev/orrery/nodeagent/stats"
)

// store is a disk of 1000 bytes with images on it.
type store struct {
	images map[string]*runtimeapi.Image
	// using and mounting are the images of containers, and those that one of these has mounted.
	using, mounting []string
	stuck           string // is an image that cannot be removed
	events          []string
}

func (s *store) ListImages(context.Context, *runtimeapi.ImageFilter) ([]*runtimeapi.Image, error) {
	return slices.Collect(maps.Values(s.images)), nil
}

func (s *store) RemoveImage(_ context.Context, image *runtimeapi.ImageSpec) error {
	if image.Image == s.stuck {
		return errors.New("it is stuck")
	}
	delete(s.images, image.Image)
	return nil
}

func (s *store) ListContainers(context.Context, *runtimeapi.ContainerFilter) (all []*runtimeapi.Container, err error) {
	for _, id := range s.using {
		all = append(all, &runtimeapi.Container{Id: "of " + id, ImageId: id, State: runtimeapi.ContainerState_CONTAINER_EXITED})
	}
	return all, nil
}

func (s *store) ContainerStatus(context.Context, string, bool) (*runtimeapi.ContainerStatusResponse, error) {
	status := &runtimeapi.ContainerStatus{Mounts: []*runtimeapi.Mount{{HostPath: "/"}}}
	for _, id := range s.mounting {
		status.Mounts = append(status.Mounts, &runtimeapi.Mount{Image: &runtimeapi.ImageSpec{Image: id}})
	}
	return &runtimeapi.ContainerStatusResponse{Status: status}, nil
}

func (s *store) NodeStats(context.Context) (*statsv1alpha1.NodeStats, stats.Layout, error) {
	capacity, available := uint64(1000), uint64(1000)
	for _, image := range s.images {
		available -= image.Size
	}
	fs := &statsv1alpha1.FsStats{CapacityBytes: &capacity, AvailableBytes: &available}
	return &statsv1alpha1.NodeStats{Runtime: &statsv1alpha1.RuntimeStats{ImageFs: fs}}, stats.Layout{}, nil
}

func (s *store) add(id string, size uint64) { s.images[id] = image(id, size) }

func (s *store) left() string { return strings.Join(slices.Sorted(maps.Keys(s.images)), " ") }

func collector(t *testing.T, s *store) (*Collector, *testingclock.FakeClock) {
	timer := testingclock.NewFakeClock(start)
	c, err := New(Options{
		Runtime: s, Stats: s, Clock: timer, Log: logr.Discard(),
		NodeEvent: func(_, reason, _ string) { s.events = append(s.events, reason) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, timer
}

func TestImagesThatNobodyUsesMakeRoom(t *testing.T) {
	s := &store{images: map[string]*runtimeapi.Image{}, using: []string{"used"}, mounting: []string{"mounted"}}
	c, timer := collector(t, s)
	for _, id := range []string{"used", "mounted", "old"} {
		s.add(id, 250)
	}
	collect := func(want string) {
		t.Helper()
		if err := c.Collect(t.Context()); err != nil {
			t.Error(err)
		}
		if s.left() != want {
			t.Errorf("after %s there are %s, want %s", timer.Since(start), s.left(), want)
		}
		timer.Step(period)
	}
	collect("mounted old used")
	s.add("new", 150)
	collect("mounted new used")
}

func TestAnImageThatCannotBeRemovedHoldsUpNoOther(t *testing.T) {
	s := &store{images: map[string]*runtimeapi.Image{}, stuck: "a"}
	c, timer := collector(t, s)
	s.add("a", 100)
	s.add("b", 100)
	if err := c.DeleteUnusedImages(t.Context()); err != nil || s.left() != "a b" {
		t.Errorf("of images that are just there %s are left (%v)", s.left(), err)
	}
	timer.Step(2 * time.Minute)
	if err := c.DeleteUnusedImages(t.Context()); err == nil || !strings.Contains(err.Error(), "removing image registry/a:1: it is stuck") || s.left() != "a" {
		t.Errorf("%s are left (%v)", s.left(), err)
	}
}

func TestAFailureIsToldWhenItLasts(t *testing.T) {
	s := &store{images: map[string]*runtimeapi.Image{}, using: []string{"used"}}
	c, timer := collector(t, s)
	s.add("used", 900)
	want := []string{"FreeDiskSpaceFailed", "FreeDiskSpaceFailed", "ImageGCFailed"}
	for range 2 {
		if err := c.Collect(t.Context()); err == nil {
			t.Error("it says that enough was freed")
		}
		timer.Step(period)
	}
	if fmt.Sprint(s.events) != fmt.Sprint(want) {
		t.Errorf("the events are %v, want %v", s.events, want)
	}
}
