package enginetest

import (
	"errors"
	"fmt"
	"time"

	testingclock "k8s.io/utils/clock/testing"
)

// fault is something that goes wrong with a step or call.
type fault string

const (
	noFault     fault = ""
	refused     fault = "it is refused"
	late        fault = "its answer gets lost"
	crashBefore fault = "the process ends before it"
	crashAfter  fault = "the process ends after it"
)

var faults = []fault{refused, late, crashBefore, crashAfter}

var (
	errRefused = errors.New("a fault that the test made: refused")
	errLate    = errors.New("a fault that the test made: no answer")
	errCrashed = errors.New("this process has ended")
)

// Env is what a model lives in: time, and a way for its calls to go wrong. It is used by one goroutine at a time.
type Env struct {
	clock *testingclock.FakeClock
	tell  func(line string)
	// done is told of each call that took effect.
	done func(what string)

	fault   fault
	after   int // how many calls go well before
	crashed bool
}

// Begin is when every model begins.
var Begin = time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)

// Clock is the model's. Check moves it.
func (e *Env) Clock() *testingclock.FakeClock { return e.clock }

// Now is the time.
func (e *Env) Now() time.Time { return e.clock.Now() }

// Tell adds a line to the story of this model.
func (e *Env) Tell(format string, args ...any) { e.tell(fmt.Sprintf(format, args...)) }

// Call makes a call of the loop's that changes the model. It may be refused, its answer may get lost, and the loop's process may
// end before or after it; then no later call takes effect. Every step is such a call: a model has to make those within a step
// by itself, if it wants to see what becomes of one that was taken halfway.
func (e *Env) Call(what string, do func() error) error {
	if e.crashed {
		return errCrashed
	}
	met := noFault
	if e.after > 0 {
		e.after--
	} else if e.fault != noFault {
		met, e.fault = e.fault, noFault
		e.Tell("fault: %s: %s", what, met)
	}
	switch met {
	case refused:
		return errRefused
	case crashBefore:
		e.crashed = true
		return errCrashed
	}
	err := do()
	if !e.crashed {
		e.done(what)
	}
	switch met {
	case late:
		return errLate
	case crashAfter:
		e.crashed = true
		return errCrashed
	}
	return err
}

func (e *Env) step(milliseconds int) {
	e.clock.Step(time.Duration(milliseconds) * time.Millisecond)
}
