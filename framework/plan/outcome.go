package plan

import (
	"errors"
	"time"

	"github.com/orrery-dev/orrery/framework/engine"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Wait marks err as something that time will mend: the loop looks again after d, and counts no failure. A nil err stays
// nil. It is for what Observe and a step's Do return.
func Wait(d time.Duration, err error) error {
	return engine.Wait(d, err)
}

// Stop marks err as something that only a user can mend: the loop does not try again until an object that it watches
// changes. A nil err stays nil.
func Stop(err error) error {
	return engine.Stop(err)
}

// StopAbout is Stop for what is wrong with an object itself, so that nothing can be observed for it: the loop tells that as a Warning
// about the object, once for as long as it is so. It is for what Observe returns; a plan has [Plan.EventOnce].
func StopAbout(obj client.Object, reason string, err error) error {
	return engine.Stop(&AboutError{Event{Regarding: obj, Type: Warning, Reason: reason, Message: err.Error()}, err})
}

// AboutError is what StopAbout marks.
type AboutError struct {
	Event Event
	Err   error
}

func (e *AboutError) Error() string { return e.Err.Error() }
func (e *AboutError) Unwrap() error { return e.Err }

// Cause is the API server's own answer, where err wraps one, and else err: what a condition or an event says of a step
// that failed.
func Cause(err error) error {
	var answer *apierrors.StatusError
	if errors.As(err, &answer) {
		return answer
	}
	return err
}
