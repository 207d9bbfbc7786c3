package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/prometheus/client_golang/prometheus"
)

// running runs an engine until the test ends, and checks that Run then returns.
func running(t *testing.T, e *engine.Engine[string, struct{}, *lamps]) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		e.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		within(t, "the end of Run", ended)
	})
}

func TestRunMakesPassesForKeysThatAreWoken(t *testing.T) {
	l := newLamps()
	passes := make(chan string, 10)
	l.observe = func(_ engine.Look, key string) error {
		passes <- key
		return nil
	}
	e := l.engine()
	e.Wake("early")
	running(t, e)
	if got := within(t, "a pass for what was woken before", passes); got != "early" {
		t.Errorf("passes for %s first", got)
	}
	e.Wake("hall")
	if got := within(t, "a pass", passes); got != "hall" {
		t.Errorf("passes for %s, want the hall", got)
	}
}

func TestAKeyHasOnePassAtATime(t *testing.T) {
	l := newLamps()
	var under atomic.Int32
	entered, let := make(chan string, 10), make(chan struct{})
	l.observe = func(_ engine.Look, key string) error {
		if key == "hall" && under.Add(1) > 1 {
			t.Error("two passes for one key at once")
		}
		entered <- key
		<-let
		if key == "hall" {
			under.Add(-1)
		}
		return nil
	}
	e := l.engine()
	running(t, e)
	e.Wake("hall")
	within(t, "a pass", entered)
	e.Wake("hall")
	e.Wake("kitchen")
	if got := within(t, "a pass for another key beside it", entered); got != "kitchen" {
		t.Errorf("the second pass is for %s", got)
	}
	let <- struct{}{}
	let <- struct{}{}
	if got := within(t, "the pass that was asked for meanwhile", entered); got != "hall" {
		t.Errorf("the third pass is for %s", got)
	}
	close(let)
}

func TestAFailedKeyIsTriedAgainWithBackOff(t *testing.T) {
	l := newLamps()
	passes := make(chan time.Time, 10)
	l.observe = func(engine.Look, string) error {
		passes <- l.clock.Now()
		if len(passes) > 2 {
			panic("confused")
		}
		return errBroken
	}
	e := l.engine(func(o *engine.Options[string]) { o.LongestBackOff = 2 * time.Second })
	running(t, e)
	e.Wake("hall")
	at := within(t, "the first pass", passes)
	for _, wait := range []time.Duration{time.Second, 2 * time.Second, 2 * time.Second} {
		at = at.Add(wait)
		until(t, "a pass that waits", l.clock.HasWaiters)
		until(t, "the next pass", func() bool { // the queue may not have heard of it when the clock moves
			l.clock.SetTime(at)
			return len(passes) > 0
		})
		if got := within(t, "the next pass", passes); !got.Equal(at) {
			t.Errorf("is tried again at %s, want %s", got, at)
		}
	}
}

func TestAPanicIsAnErrorOfItsKey(t *testing.T) {
	l := newLamps()
	l.plan = func(*engine.Plan[*lamps], string) { panic("confused") }
	registry, name := prometheus.NewRegistry(), fmt.Sprintf("panicking-%p", l)
	e := l.engine(func(o *engine.Options[string]) { o.Registerer, o.Name = registry, name })
	passes := make(chan string, 10)
	l.observe = func(_ engine.Look, key string) error { passes <- key; return nil }
	running(t, e)
	e.Wake("hall")
	within(t, "a pass that panics", passes)
	e.Wake("kitchen")
	within(t, "a pass for another key", passes)
	until(t, "the count of two panics", func() bool {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range families {
			for _, metric := range family.GetMetric() {
				if family.GetName() == "orrery_loop_panics_total" && metric.GetLabel()[0].GetValue() == name {
					return metric.GetCounter().GetValue() == 2
				}
			}
		}
		return false
	})
}

func TestSideBySideBoundsHowManyPassesThereAre(t *testing.T) {
	l := newLamps()
	entered, let := make(chan string, 10), make(chan struct{})
	l.observe = func(_ engine.Look, key string) error {
		entered <- key
		<-let
		return nil
	}
	e := l.engine(func(o *engine.Options[string]) { o.SideBySide = 1 })
	running(t, e)
	e.Wake("hall")
	e.Wake("kitchen")
	within(t, "a pass", entered)
	if len(entered) != 0 {
		t.Error("two passes at once, want one")
	}
	let <- struct{}{}
	within(t, "the other pass", entered)
	close(let)
}

func TestTasks(t *testing.T) {
	l := newLamps()
	bulb, ladder := newTask("change the bulb"), newTask("fetch the ladder")
	var wanted atomic.Pointer[[]*task]
	want := func(tasks ...*task) { wanted.Store(&tasks) }
	underWay := make(chan bool, 100)
	l.observe = func(look engine.Look, _ string) error {
		underWay <- look.UnderWay(bulb.Task())
		return nil
	}
	l.plan = func(p *engine.Plan[*lamps], _ string) {
		for _, task := range *wanted.Load() {
			p.Do(task)
		}
		p.Do(step{does: "say so"})
	}
	e := l.engine()
	running(t, e)
	pass := func() bool { e.Wake("hall"); return within(t, "a pass", underWay) }

	want(bulb, ladder)
	if pass() {
		t.Error("a task is under way that no plan has asked for")
	}
	within(t, "the beginning of one task", bulb.begun)
	within(t, "the beginning of another beside it", ladder.begun)
	if !pass() || len(bulb.begun) != 0 {
		t.Error("a task that is under way is not known to be, or was begun twice")
	}
	if _, err := e.Preview(t.Context(), "hall"); err != nil || !<-underWay {
		t.Errorf("a preview does not see what is under way: %v", err)
	}

	bulb.let <- nil
	if within(t, "the pass after a task has ended", underWay) {
		t.Error("a task that has ended is under way")
	}
	within(t, "its beginning anew, since it is still wanted", bulb.begun)

	want(bulb)
	pass()
	within(t, "the pass after a task was called off", underWay)
	l.mu.Lock()
	did := strings.Join(l.did, ", ")
	l.mu.Unlock()
	if !strings.Contains(did, "fetch the ladder called off") {
		t.Errorf("what nobody wants any more is not called off: %s", did)
	}

	bulb.let <- errBroken
	within(t, "the pass after a task has failed", underWay)
	if pass(); len(bulb.begun) != 0 {
		t.Error("a task that has just failed is begun again at once")
	}
	if recent := e.Recent("hall"); recent[0].Error != "broken" && recent[1].Error != "broken" && recent[2].Error != "broken" {
		t.Errorf("the failure is not kept: %+v", recent)
	}
	until(t, "its beginning after the back-off", func() bool {
		l.clock.SetTime(noon.Add(time.Second))
		return len(bulb.begun) > 0
	})
	within(t, "its beginning after the back-off", bulb.begun)
}

func TestATaskOfAKeyThatIsGoneIsCalledOff(t *testing.T) {
	l := newLamps()
	bulb := newTask("change the bulb")
	var gone atomic.Bool
	l.observe = func(engine.Look, string) error {
		if gone.Load() {
			return engine.ErrGone
		}
		return nil
	}
	l.plan = func(p *engine.Plan[*lamps], _ string) { p.Do(bulb) }
	e := l.engine()
	running(t, e)
	e.Wake("hall")
	within(t, "the beginning", bulb.begun)
	gone.Store(true)
	e.Wake("hall")
	until(t, "the end of the task", func() bool { return cmp.Equal(l.done(), []string{"change the bulb called off"}) })
}

func TestInlineTasksAreTakenInTurnAndNoStepFailsWithThem(t *testing.T) {
	l := newLamps()
	l.plan = func(p *engine.Plan[*lamps], _ string) {
		p.Do(quick{step{"change the bulb", errBroken}})
		p.Do(step{does: "light"})
	}
	outcome := l.engine(func(o *engine.Options[string]) { o.Inline = true }).Pass(t.Context(), "hall")
	if done := l.done(); !errors.Is(outcome.Err, errBroken) || !cmp.Equal(done, []string{"change the bulb", "light"}) {
		t.Errorf("did %v and ended with %v, want both, and the error of the task", done, outcome.Err)
	}
}

func TestATaskThatEndsDuringAPassIsNotBegunAgainInIt(t *testing.T) {
	l := newLamps()
	bulb, woken := newTask("change the bulb"), make(chan string, 10)
	var seen []string
	ends := false
	l.observe = func(look engine.Look, _ string) error { seen = look.Tasks(); return nil }
	l.plan = func(p *engine.Plan[*lamps], _ string) {
		if ends { // after it was seen to be under way
			bulb.let <- nil
			within(t, "the end of the task", woken)
		}
		p.Do(bulb)
	}
	e := l.engine(func(o *engine.Options[string]) { o.Wake = func(key string) { woken <- key } })
	for _, pass := range []struct {
		ends bool
		sees []string
	}{{false, nil}, {true, []string{"change the bulb"}}, {false, nil}} {
		ends = pass.ends
		e.Pass(t.Context(), "hall")
		if !cmp.Equal(seen, pass.sees) {
			t.Errorf("a pass sees %v under way, want %v", seen, pass.sees)
		}
		if !ends {
			within(t, "the beginning of the task", bulb.begun)
		}
	}
	bulb.let <- nil
}

// quick is a task that takes no time.
type quick struct{ step }

func (q quick) Task() string { return q.does }
