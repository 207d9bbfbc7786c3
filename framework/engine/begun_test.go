package engine_test

import (
	"testing"
	"time"

	"github.com/orrery-dev/orrery/framework/engine"
	"k8s.io/client-go/util/workqueue"
)

func TestWhoAsksIsToldOfTasksUntilTheirLoopHasBeenWoken(t *testing.T) {
	l, bulb := newLamps(), newTask("change the bulb")
	said := make(chan string, 10)
	l.plan = func(p *engine.Plan[*lamps], _ string) { p.Do(bulb) }
	e := l.engine(func(o *engine.Options[string]) {
		o.Begun = func(key, task string) func() {
			said <- "begun: " + task + " in the " + key
			return func() { said <- "ended" }
		}
		o.Wake = func(key string) { said <- "woken: " + key }
	})
	e.Pass(t.Context(), "hall")
	close(bulb.let)
	for _, want := range []string{"begun: change the bulb in the hall", "woken: hall", "ended"} {
		if got := within(t, want, said); got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
}

// counted is a queue that tells which keys it was given.
type counted struct {
	workqueue.TypedDelayingInterface[string]
	added chan string
}

func (q counted) Add(key string) {
	q.added <- key
	q.TypedDelayingInterface.Add(key)
}

func (q counted) AddAfter(key string, d time.Duration) {
	q.added <- key + " in " + d.String()
	q.TypedDelayingInterface.AddAfter(key, d)
}

func TestRunTakesKeysFromTheQueueThatItIsGiven(t *testing.T) {
	l, added := newLamps(), make(chan string, 10)
	l.plan = func(p *engine.Plan[*lamps], _ string) { p.After(time.Minute, "it gets dark") }
	e := l.engine(func(o *engine.Options[string]) {
		o.Queue = func() workqueue.TypedDelayingInterface[string] {
			return counted{workqueue.NewTypedDelayingQueue[string](), added}
		}
	})
	running(t, e)
	e.Wake("hall")
	for _, want := range []string{"hall", "hall in 1m0s"} {
		if got := within(t, want, added); got != want {
			t.Errorf("the queue gets %q, want %q", got, want)
		}
	}
}
