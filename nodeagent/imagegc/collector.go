package imagegc

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/nodeagent/rounds"
	"github.com/orrery-dev/orrery/nodeagent/stats"
)

// period is how often images are collected; the kubelet's figure.
const period = 5 * time.Minute

// collected counts what the kubelet counts, by its name.
var collected = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "kubelet_image_garbage_collected_total",
	Help: "Total number of images garbage collected by the kubelet, whether through disk usage or image age.",
}, []string{"reason"})

// register lets the metric be seen. A process may have several collectors.
var register = sync.OnceValue(func() error { return metrics.Registry.Register(collected) })

// Runtime is what the collector asks of a container runtime.
type Runtime interface {
	ListImages(ctx context.Context, filter *runtimeapi.ImageFilter) ([]*runtimeapi.Image, error)
	RemoveImage(ctx context.Context, image *runtimeapi.ImageSpec) error
	ListContainers(ctx context.Context, filter *runtimeapi.ContainerFilter) ([]*runtimeapi.Container, error)
	ContainerStatus(ctx context.Context, id string, verbose bool) (*runtimeapi.ContainerStatusResponse, error)
}

// Stats measures the file system of images.
type Stats interface {
	NodeStats(ctx context.Context) (*statsv1alpha1.NodeStats, stats.Layout, error)
}

// Options are what a Collector needs. All must be set.
type Options struct {
	Settings Settings
	Runtime  Runtime
	Stats    Stats
	// NodeEvent records an event about the node.
	NodeEvent func(kind, reason, message string)
	Clock     clock.WithTickerAndDelayedExecution
	Log       logr.Logger
}

// Collector removes images of one node.
type Collector struct {
	Options
	policy policy
	began  time.Time
	engine *engine.Engine[extent, World, *Collector]
	// failed: the last collection did.
	failed bool
}

var _ engine.Loop[extent, World, *Collector] = (*Collector)(nil)

// New refuses settings that the kubelet refuses.
func New(o Options) (*Collector, error) {
	parsed, err := o.Settings.parse()
	if err != nil {
		return nil, err
	}
	if err := register(); err != nil {
		return nil, fmt.Errorf("registering the metric of collected images: %w", err)
	}
	c := &Collector{Options: o, policy: parsed, began: o.Clock.Now()}
	c.engine = engine.New(c, engine.Options[extent]{Name: "image-gc", Clock: o.Clock, Registerer: metrics.Registry, Log: o.Log})
	return c, nil
}

// Run collects now and then, until ctx ends.
func (c *Collector) Run(ctx context.Context) {
	r := rounds.Rounds{Every: period, What: "Collecting images that nobody uses", Clock: c.Clock, Log: c.Log}
	if err := c.Collect(ctx); err != nil && ctx.Err() == nil {
		c.Log.Error(err, r.What)
	}
	r.Run(ctx, c.Collect)
}

// Collect does what the settings say, once. From the second time in a row that it fails on, an event says so. It must not run twice at a
// time.
func (c *Collector) Collect(ctx context.Context) error {
	err := c.engine.Pass(ctx, needed).Err
	if err != nil && c.failed && ctx.Err() == nil {
		c.NodeEvent(corev1.EventTypeWarning, "ImageGCFailed", err.Error())
	}
	c.failed = err != nil
	return err
}

// DeleteUnusedImages removes all images that nobody uses and that are not too young. It must not run twice at a time.
func (c *Collector) DeleteUnusedImages(ctx context.Context) error {
	if err := c.engine.Pass(ctx, everything).Err; err != nil {
		return fmt.Errorf("removing images that nobody uses: %w", err)
	}
	return nil
}

// Inspector shows what would be removed, and what was last. Its keys are "needed" and "everything".
func (c *Collector) Inspector() engine.Inspector {
	return engine.Inspect(c.engine, func(word string) (extent, error) {
		if e := extent(word); e == needed || e == everything {
			return e, nil
		}
		return "", fmt.Errorf("reading %q: images are collected as %s or as %s", word, needed, everything)
	})
}

// Plan decides what is removed.
func (c *Collector) Plan(much extent, w World, now time.Time) *engine.Plan[*Collector] {
	return decide(much, &w, now)
}

// Actor is the collector itself.
func (c *Collector) Actor(extent, World, engine.Turn) *Collector { return c }
