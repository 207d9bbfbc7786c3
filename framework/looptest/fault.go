package looptest

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Fault is something that goes wrong with a write.
type Fault string

// The faults that Check tries.
const (
	// NoFault lets the write be.
	NoFault Fault = ""
	// Conflict refuses the write with 409, as when somebody else was faster.
	Conflict Fault = "409 conflict"
	// Throttled refuses the write with 429.
	Throttled Fault = "429 too many requests"
	// Failed refuses the write with 500.
	Failed Fault = "500 internal error"
	// Late lets the write take effect, and answers that it timed out.
	Late Fault = "late answer"
	// CrashBefore ends the loop before the write takes effect.
	CrashBefore Fault = "crash before"
	// CrashAfter ends the loop after the write took effect.
	CrashAfter Fault = "crash after"
)

var faults = []Fault{Conflict, Throttled, Failed, Late, CrashBefore, CrashAfter}

// errCrashed is what a loop gets to hear that is no more. It will not live to see it.
var errCrashed = errors.New("this loop has crashed")

// line is the line between a loop and the world: it fails one write, if it is told to.
type line struct {
	mu      sync.Mutex
	fault   Fault
	after   int  // how many writes go well before
	met     bool // the present write is the one that does not
	crashed bool
	note    func(format string, args ...any)
}

func (l *line) down() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.crashed {
		return errCrashed
	}
	return nil
}

// there is the way of a request to the world.
func (l *line) there(by, verb string, obj client.Object) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.crashed {
		return errCrashed
	}
	if l.met = l.fault != NoFault && l.after == 0; !l.met {
		l.after--
		return nil
	}
	switch l.fault {
	case Conflict:
		return l.happens(by, verb, obj, apierrors.NewConflict(schema.GroupResource{}, obj.GetName(), errors.New("a fault that the test made")))
	case Throttled:
		return l.happens(by, verb, obj, apierrors.NewTooManyRequests("a fault that the test made", 1))
	case Failed:
		return l.happens(by, verb, obj, apierrors.NewInternalError(errors.New("a fault that the test made")))
	case CrashBefore:
		l.crashed = true
		return l.happens(by, verb, obj, errCrashed)
	default:
		return nil
	}
}

// back is the way of the answer to a write that took effect.
func (l *line) back(by, verb string, obj client.Object) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !l.met:
		return nil
	case l.fault == Late:
		return l.happens(by, verb, obj, apierrors.NewTimeoutError("a fault that the test made", 0))
	case l.fault == CrashAfter:
		l.crashed = true
		return l.happens(by, verb, obj, errCrashed)
	default:
		return nil
	}
}

// happens makes the fault happen, once.
func (l *line) happens(by, verb string, obj client.Object, err error) error {
	l.note("%s meets a fault: %s, at its %s of %s", by, l.fault, verb, nameOf(obj))
	l.fault = NoFault
	return err
}

// nameOf is an object's type, namespace and name: "Pod default/web-1".
func nameOf(obj client.Object) string {
	kind := obj.GetObjectKind().GroupVersionKind().Kind
	if kind == "" {
		kind = fmt.Sprintf("%T", obj)
		kind = kind[strings.LastIndex(kind, ".")+1:]
	}
	name := obj.GetName()
	if name == "" {
		name = obj.GetGenerateName() + "*"
	}
	if obj.GetNamespace() != "" {
		name = obj.GetNamespace() + "/" + name
	}
	return kind + " " + name
}
