package looptest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Fault is something that goes wrong with a request.
type Fault string

// The faults that Check tries.
const (
	// NoFault lets every request be.
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
	// Unreadable refuses a read with 500.
	Unreadable Fault = "500 internal error at a read"
	// Unanswered lets a read end without an answer: one of an API server that takes too long, or of a cache that is not synced.
	Unanswered Fault = "timeout at a read"
	// Hidden refuses a read with 403, as when a role has been taken away.
	Hidden Fault = "403 forbidden at a read"
)

var (
	writeFaults = []Fault{Conflict, Throttled, Failed, Late, CrashBefore, CrashAfter}
	readFaults  = []Fault{Unreadable, Unanswered, Hidden}
	faults      = slices.Concat(writeFaults, readFaults)
)

// made is what every fault says that is told with a reason.
const made = "a fault that the test made"

// ofRead reports whether it is reads that a fault goes wrong with.
func (f Fault) ofRead() bool { return slices.Contains(readFaults, f) }

// answer is what a read gets to hear that meets a fault.
func (f Fault) answer(gvk schema.GroupVersionKind) error {
	switch f {
	case Unreadable:
		return apierrors.NewInternalError(errors.New(made))
	case Unanswered:
		return apierrors.NewTimeoutError(made, 0)
	case Hidden:
		return apierrors.NewForbidden(resource(gvk), "", errors.New(made))
	default:
		return nil
	}
}

// errCrashed is what a loop gets to hear that is no more. It will not live to see it.
var errCrashed = errors.New("this loop has crashed")

// line is the line between a loop and the world: it fails one request, if it is told to, or all reads of a kind.
type line struct {
	mu      sync.Mutex
	fault   Fault
	after   int  // how many reads or writes go well before
	met     bool // the present write is the one that does not
	crashed bool
	outage  outage
	count   int                              // how many reads there were
	read    map[schema.GroupVersionKind]bool // and of which kinds
	note    func(format string, args ...any)
}

// reads is the way of a read.
func (l *line) reads(by string, gvk schema.GroupVersionKind) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.read == nil {
		l.read = map[schema.GroupVersionKind]bool{}
	}
	l.read[gvk] = true
	l.count++
	switch {
	case l.crashed:
		return errCrashed
	case l.outage.fault != NoFault && l.outage.kind == gvk:
		return l.outage.fault.answer(gvk)
	case !l.fault.ofRead():
		return nil
	case l.after > 0:
		l.after--
		return nil
	default:
		err := l.fault.answer(gvk)
		l.note("%s meets a fault: %s, at its read of %s", by, l.fault, gvk.Kind)
		l.fault = NoFault
		return err
	}
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
	if l.fault == NoFault || l.fault.ofRead() {
		l.met = false
		return nil
	}
	if l.met = l.after == 0; !l.met {
		l.after--
		return nil
	}
	switch l.fault {
	case Conflict:
		return l.happens(by, verb, obj, apierrors.NewConflict(schema.GroupResource{}, obj.GetName(), errors.New(made)))
	case Throttled:
		return l.happens(by, verb, obj, apierrors.NewTooManyRequests(made, 1))
	case Failed:
		return l.happens(by, verb, obj, apierrors.NewInternalError(errors.New(made)))
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
		return l.happens(by, verb, obj, apierrors.NewTimeoutError(made, 0))
	case l.fault == CrashAfter:
		l.crashed = true
		return l.happens(by, verb, obj, errCrashed)
	default:
		return nil
	}
}

// happens makes the fault of a write happen, once.
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
