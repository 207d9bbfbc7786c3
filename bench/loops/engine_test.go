package loops

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
	"github.com/orrery-dev/orrery/framework/queue"
)

// keys is how many keys there are.
const keys = 10000

// idle is a loop that finds nothing to do, and counts its passes.
type idle struct{ passed *sync.WaitGroup }

func (idle) Observe(context.Context, engine.Look, string) (struct{}, error) { return struct{}{}, nil }

func (idle) Plan(string, struct{}, time.Time) *engine.Plan[struct{}] { return nil }

func (l idle) Actor(string, struct{}, engine.Turn) struct{} {
	l.passed.Done()
	return struct{}{}
}

// BenchmarkPasses makes a pass for each of ten thousand keys, of a loop that finds nothing to do: by the engine, and, as what
// no loop can do without, by its queue alone.
func BenchmarkPasses(b *testing.B) {
	names := make([]string, keys)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	b.Run("engine", func(b *testing.B) {
		var passed sync.WaitGroup
		e := engine.New(idle{&passed}, engine.Options[string]{Name: "idle", SideBySide: 4})
		ctx, stop := context.WithCancel(b.Context())
		stopped := make(chan struct{})
		go func() { e.Run(ctx); close(stopped) }()
		for b.Loop() {
			passed.Add(keys)
			for _, name := range names {
				e.Wake(name)
			}
			passed.Wait()
		}
		rate(b)
		stop()
		<-stopped
	})
	b.Run("queue alone", func(b *testing.B) {
		q := queue.New[string](queue.Options{})
		defer q.ShutDown()
		for b.Loop() {
			for _, name := range names {
				q.Add(name)
			}
			for range names {
				name, _ := q.Get()
				q.Done(name)
			}
		}
		rate(b)
	})
}

// watched is a loop over pods that finds nothing to do.
type watched struct{}

func (watched) Observe(context.Context, loop.View, *ocorev1.Pod) (struct{}, error) {
	return struct{}{}, nil
}

func (watched) Plan(*ocorev1.Pod, struct{}, time.Time) *plan.Plan { return plan.New() }

// BenchmarkObjects makes a pass for each of ten thousand pods, of a loop over objects that finds nothing to do: what the
// adapter to Kubernetes costs above the engine, most of which is the deep copy of the pod.
func BenchmarkObjects(b *testing.B) {
	l := loop.New("watched", watched{})
	c := newPodCache(b, keys, l)
	r := l.Reconciler(loop.Cluster{Client: c})
	names := c.keys()
	for b.Loop() {
		for _, name := range names {
			pass(b, r, name)
		}
	}
	rate(b)
}

func rate(b *testing.B) {
	b.ReportMetric(float64(keys*b.N)/b.Elapsed().Seconds(), "passes/s")
}
