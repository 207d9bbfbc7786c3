package loop

import (
	"errors"
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// afterConflict is how long a pass rests that met a newer object: long enough for the cache to show it.
const afterConflict = 20 * time.Millisecond

// unexpected labels a pass that ended with an error nobody has planned for.
const unexpected = "error"

// outcome is how a pass ended, and what happens next.
type outcome struct {
	// label is the word for it in metrics and spans.
	label string
	// after is when to look again, where that is not the plan's to say; 0 means that it is.
	after time.Duration
	// err goes to controller-runtime, which logs it and backs off; nil means that there is nothing to report.
	err error
}

// judge is the one place that maps the error of a pass to what happens next. Of several errors, as of requests side by
// side, one that has to be reported counts, or else the first.
func judge(err error) outcome {
	for e := err; e != nil; e = errors.Unwrap(e) {
		switch e := e.(type) { //nolint:errorlint // the chain is followed here, link by link
		case *plan.WaitError, *plan.StopError:
			return judgeOne(err) // whatever is below has been judged by the controller
		case interface{ Unwrap() []error }:
			for _, each := range e.Unwrap() {
				if judge(each).label == unexpected {
					return outcome{label: unexpected, err: err}
				}
			}
		}
	}
	return judgeOne(err)
}

func judgeOne(err error) outcome {
	var (
		behind *behindError
		wait   *plan.WaitError
		stop   *plan.StopError
	)
	delay, throttled := apierrors.SuggestsClientDelay(err)
	switch {
	case err == nil:
		return outcome{label: "success"}
	case errors.As(err, &behind):
		return outcome{label: "behind", after: behind.wait}
	case plan.NamespaceTerminating(err):
		return outcome{label: "namespace_terminating"}
	case errors.As(err, &wait):
		return outcome{label: "wait", after: wait.After}
	case errors.As(err, &stop):
		return outcome{label: "stop", err: reconcile.TerminalError(err)}
	case apierrors.IsConflict(err):
		return outcome{label: "conflict", after: afterConflict}
	case throttled && delay > 0:
		return outcome{label: "throttled", after: time.Duration(delay) * time.Second}
	default:
		return outcome{label: unexpected, err: err}
	}
}

// result is the answer to controller-runtime, where planned is what the plan asked for.
func (o outcome) result(planned reconcile.Result) reconcile.Result {
	switch {
	case o.err != nil:
		return reconcile.Result{}
	case o.after > 0:
		return reconcile.Result{RequeueAfter: o.after}
	default:
		return planned
	}
}

// behindError ends a pass because the cache does not show the loop's own writes yet.
type behindError struct{ wait time.Duration }

func (e *behindError) Error() string { return "the cache is behind this loop's own writes" }
