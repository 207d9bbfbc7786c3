package engine

import (
	"errors"
	"time"
)

// ErrGone is what Observe returns for a key that is about nothing any more. It ends the pass, and all that was remembered
// of the key is forgotten.
var ErrGone = errors.New("there is nothing with this key any more")

// Wait marks err as something that time will mend: the loop looks again after d, and counts no failure. A nil err stays
// nil. It is for what Observe and a step's Do return.
func Wait(d time.Duration, err error) error {
	if err == nil {
		return nil
	}
	return &WaitError{After: d, Err: err}
}

// Stop marks err as something that only a user can mend: it is reported, and the loop does not try again until it is woken.
// A nil err stays nil.
func Stop(err error) error {
	if err == nil {
		return nil
	}
	return &StopError{Err: err}
}

// Retry marks err as something that is met now and then and that another look will mend: the loop tries again soon, and
// with every such end in a row a little later, up to [slowestRetry]. Nobody is told of it. A nil err stays nil.
func Retry(err error) error {
	if err == nil {
		return nil
	}
	return &RetryError{Err: err}
}

// WaitError is what Wait returns.
type WaitError struct {
	After time.Duration
	Err   error
}

func (e *WaitError) Error() string { return e.Err.Error() }
func (e *WaitError) Unwrap() error { return e.Err }

// StopError is what Stop returns.
type StopError struct{ Err error }

func (e *StopError) Error() string { return e.Err.Error() }
func (e *StopError) Unwrap() error { return e.Err }

// RetryError is what Retry returns.
type RetryError struct{ Err error }

func (e *RetryError) Error() string { return e.Err.Error() }
func (e *RetryError) Unwrap() error { return e.Err }

const (
	// firstRetry is how long a pass rests that met something which another look mends, as a newer version of its object.
	firstRetry = 20 * time.Millisecond
	// slowestRetry bounds that rest. It doubles each time: two loops that write to one object must not race for ever.
	slowestRetry = 5 * time.Second
)

// unexpected labels a pass that ended with an error nobody has planned for.
const unexpected = "error"

// Outcome is how a pass ended, and what happens next.
type Outcome struct {
	// Label is the word for it in metrics and spans.
	Label string
	// After is when to look again; 0 means when the loop is woken or, where Err has to be backed off, when that says so.
	After time.Duration
	// Err is to be reported; nil means that there is nothing to report.
	Err error
	// Final says that Err is not to be tried again before the loop is woken.
	Final bool

	// again asks for the rest that grows with every such outcome in a row.
	again bool
}

// failed reports that the loop has to be tried again although nothing may wake it.
func (o Outcome) failed() bool { return o.Err != nil && !o.Final }

// Judge says what an error that has no mark of this package means in one kind of world: a label for metrics, and the error
// with a mark, as in Retry(err). Nil says that all is well after all; an error that it does not know it returns as it is,
// without a label.
type Judge func(err error) (label string, marked error)

// judge is the one place that maps the error of a pass to what happens next. Of several errors, as of requests side by
// side, one that has to be reported counts, or else the first.
func (j Judge) judge(err error) Outcome {
	if errors.Is(err, ErrGone) {
		return Outcome{Label: "gone"}
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		switch e := e.(type) { //nolint:errorlint // the chain is followed here, link by link
		case *WaitError, *StopError, *RetryError:
			return j.judgeOne(err) // whatever is below has been judged by the loop
		case interface{ Unwrap() []error }:
			for _, each := range e.Unwrap() {
				if j.judge(each).Label == unexpected {
					return Outcome{Label: unexpected, Err: err}
				}
			}
		}
	}
	return j.judgeOne(err)
}

func (j Judge) judgeOne(err error) Outcome {
	if err == nil {
		return Outcome{Label: "success"}
	}
	label := ""
	if j != nil && !marked(err) {
		label, err = j(err)
	}
	var (
		wait  *WaitError
		stop  *StopError
		retry *RetryError
	)
	switch {
	case err == nil:
		return Outcome{Label: or(label, "success")}
	case errors.As(err, &wait):
		return Outcome{Label: or(label, "wait"), After: max(wait.After, time.Millisecond)}
	case errors.As(err, &stop):
		return Outcome{Label: or(label, "stop"), Err: err, Final: true}
	case errors.As(err, &retry):
		return Outcome{Label: or(label, "retry"), again: true}
	default:
		return Outcome{Label: or(label, unexpected), Err: err}
	}
}

// marked reports that somebody has said what happens after an error.
func marked(err error) bool {
	var (
		wait  *WaitError
		stop  *StopError
		retry *RetryError
	)
	return errors.As(err, &wait) || errors.As(err, &stop) || errors.As(err, &retry)
}

func or(label, otherwise string) string {
	if label != "" {
		return label
	}
	return otherwise
}

// backOff is first, doubled with each failure in a row, up to most.
func backOff(first, most time.Duration, failures int) time.Duration {
	return min(first<<min(failures, 20), most)
}
