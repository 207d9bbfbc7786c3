package engine_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/framework/engine"
	testingclock "k8s.io/utils/clock/testing"
)

var errBroken = errors.New("broken")

var noon = time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)

// lamps is a loop that keeps lamps as somebody wants them. Its keys are names of lamps, its world and actor the lamps.
type lamps struct {
	clock *testingclock.FakeClock
	// observe and plan are the loop; nil observes and plans nothing.
	observe func(look engine.Look, key string) error
	plan    func(p *engine.Plan[*lamps], key string)

	mu    sync.Mutex
	did   []string
	turns []engine.Turn
}

func newLamps() *lamps { return &lamps{clock: testingclock.NewFakeClock(noon)} }

// engine runs the lamps.
func (l *lamps) engine(changes ...func(*engine.Options[string])) *engine.Engine[string, struct{}, *lamps] {
	options := engine.Options[string]{Name: "lamps", Clock: l.clock}
	for _, change := range changes {
		change(&options)
	}
	return engine.New(l, options)
}

func (l *lamps) Observe(_ context.Context, look engine.Look, key string) (struct{}, error) {
	if l.observe == nil {
		return struct{}{}, nil
	}
	return struct{}{}, l.observe(look, key)
}

func (l *lamps) Plan(key string, _ struct{}, _ time.Time) *engine.Plan[*lamps] {
	if l.plan == nil {
		return nil
	}
	p := &engine.Plan[*lamps]{}
	l.plan(p, key)
	return p
}

func (l *lamps) Actor(_ string, _ struct{}, turn engine.Turn) *lamps {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turns = append(l.turns, turn)
	return l
}

func (l *lamps) note(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.did = append(l.did, what)
}

// done are the steps taken since it was asked last.
func (l *lamps) done() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	done := l.did
	l.did = nil
	return done
}

// step is a step that notes that it was taken.
type step struct {
	does string
	err  error
}

func (s step) Verb() string   { return "switch" }
func (s step) String() string { return s.does }
func (s step) Why() string    { return "it is dark" }
func (s step) Do(_ context.Context, l *lamps) error {
	l.note(s.does)
	return s.err
}

// report is a step that is told how the others went.
type report struct{ step }

func (s report) Report(_ context.Context, l *lamps, failed error) error {
	if failed != nil {
		l.note(s.does + " after " + failed.Error())
		return s.err
	}
	l.note(s.does)
	return s.err
}

// idle is a step that changes nothing.
type idle struct{ step }

func (idle) Idle() bool { return true }

// task is a step that takes until it is let go, or called off.
type task struct {
	step
	begun chan string
	let   chan error
}

func newTask(name string) *task {
	return &task{step: step{does: name}, begun: make(chan string, 10), let: make(chan error)}
}

func (s *task) Task() string { return s.does }
func (s *task) Do(ctx context.Context, l *lamps) error {
	s.begun <- s.does
	select {
	case err := <-s.let:
		l.note(s.does)
		return err
	case <-ctx.Done():
		l.note(s.does + " called off")
		return ctx.Err()
	}
}

// within fails the test if nothing comes within some seconds.
func within[T any](t *testing.T, what string, channel <-chan T) T {
	t.Helper()
	select {
	case got := <-channel:
		return got
	case <-time.After(10 * time.Second):
		t.Fatalf("%s has not happened after 10 s", what)
		panic("unreachable")
	}
}

// until fails the test if something does not hold within some seconds.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick, end := time.NewTicker(time.Millisecond), time.After(10*time.Second)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s has not happened after 10 s", what)
		}
	}
}
