package engine_test

import (
	"slices"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/framework/activity"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/queue"
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

func TestRunTakesKeysFromTheQueueThatItIsGiven(t *testing.T) {
	l, tracker := newLamps(), activity.New(nil)
	l.plan = func(p *engine.Plan[*lamps], _ string) { p.After(time.Minute, "it gets dark") }
	q := queue.New[string](queue.Options{Name: "lamps", Tracker: tracker})
	e := l.engine(func(o *engine.Options[string]) { o.Queue = q })
	e.Wake("hall")
	if got := tracker.UnderWay(); !slices.Equal(got, []string{"lamps hall"}) {
		t.Errorf("under way is %v, want the key", got)
	}
	running(t, e)
	until(t, "the next pass", func() bool { return len(tracker.Due()) == 1 && len(tracker.UnderWay()) == 0 })
}
