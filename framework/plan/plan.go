package plan

import (
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/framework/engine"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Step is one action of a plan, with an API client. The steps of this package cover the Kubernetes API; a controller that
// acts on anything else implements Step itself and adds it with [Plan.Do]. What else a step can be, the engine says: one
// that is taken although another failed (engine.Reporter), or one that nobody waits for (engine.Task).
type Step = engine.Step[Actor]

// Actor is what a step acts with.
type Actor interface {
	// Client writes to the API server and reads from the loop's cache. What is written through it the loop
	// remembers, and does not plan again for the same object until the cache shows it.
	client.Client

	// Live reads from the API server itself. It is for the rare step whose outcome the cache cannot tell.
	Live() client.Reader

	// ResourceVersion is the version to lock a write of obj to: that of this pass's own last write to it, or else
	// the one that obj was observed at.
	ResourceVersion(obj client.Object) string

	// Now is the time, for what a step has to date.
	Now() time.Time

	// FieldOwner names the controller as a field manager, for server-side apply.
	FieldOwner() client.FieldOwner

	// SideBySide is how many requests of one step may be under way at once; it is above zero.
	SideBySide() int

	// Record sends an event, unless too many with its reason have been sent about its object of late. It never blocks and never fails.
	Record(Event)

	// RecordOnce sends an event, unless the pass before this one had the same to say: of the same object, with the same
	// reason and message.
	RecordOnce(Event)
}

// Plan is what a controller has decided to do next. The zero value is an empty plan: nothing is to be done. It is a plan of
// the engine, with the steps that the Kubernetes API has.
type Plan struct {
	engine.Plan[Actor]
}

// New returns an empty plan.
func New() *Plan { return &Plan{} }

// Create adds a step that creates objs, with a slow start; with no objs it adds nothing. For a slice of objects of one
// kind there is [CreateAll]. See [Create].
func (p *Plan) Create(why string, objs ...client.Object) *Create {
	step := &Create{objs: objs, why: why}
	if len(objs) > 0 {
		p.Do(step)
	}
	return step
}

// Patch adds a step that turns the observed object into the wanted one, by a merge patch that is locked to the
// observed resourceVersion. Where the two do not differ it adds nothing. It does not touch the status subresource. See
// [Patch].
func (p *Plan) Patch(why string, observed, wanted client.Object) *Patch {
	step := newPatch(why, observed, wanted)
	if step.data != nil {
		p.Do(step)
	}
	return step
}

// Status adds a step that brings the observed object's status to that of the wanted one. Where they do not differ it
// adds nothing. It may stand anywhere in the plan, and is taken also when an earlier step failed. See [Status].
func (p *Plan) Status(observed, wanted client.Object) *Status {
	return p.StatusAfter(observed, func(error) client.Object { return wanted })
}

// StatusAfter is Status for a status which says how the steps before it went: wanted is called with their error, or
// with nil when all of them succeeded. It must be pure.
func (p *Plan) StatusAfter(observed client.Object, wanted func(failed error) client.Object) *Status {
	step := newStatus(observed, wanted)
	p.Do(step)
	return step
}

// Apply adds a step that applies config server-side, under the controller's field manager, taking over conflicting
// fields. Unlike the other steps it is always in the plan: only the API server knows whether it changes anything.
func (p *Plan) Apply(why string, config runtime.ApplyConfiguration) {
	p.Do(&Apply{config: config, why: why})
}

// Delete adds a step that deletes objs in the background; with no objs it adds nothing. For a slice of objects of one kind
// there is [DeleteAll]. See [Delete].
func (p *Plan) Delete(why string, objs ...client.Object) *Delete {
	step := &Delete{objs: objs, why: why}
	if len(objs) > 0 {
		p.Do(step)
	}
	return step
}

// Event adds a step that records an event, once all the steps before it have succeeded. It is for what happens in this
// very plan: it counts as a step, so a plan must come to record none when the world has settled. For what holds for as long
// as nobody mends it there is [Plan.EventOnce].
func (p *Plan) Event(regarding client.Object, kind EventType, reason, format string, args ...any) {
	p.Do(&record{event: Event{Regarding: regarding, Type: kind, Reason: reason, Message: fmt.Sprintf(format, args...)}})
}

// EventOnce adds an event about a state of things, as that a selector is invalid. It is recorded when it is first planned, and
// not again before a plan of the same key had none of this object and reason, or one with another message. It changes
// nothing, and a plan with nothing else is empty. A restart records it once more.
func (p *Plan) EventOnce(regarding client.Object, kind EventType, reason, format string, args ...any) {
	p.Do(&remark{record{event: Event{Regarding: regarding, Type: kind, Reason: reason, Message: fmt.Sprintf(format, args...)}}})
}
