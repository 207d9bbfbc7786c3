package plan

import (
	"context"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Step is one action of a plan. The steps of this package cover the Kubernetes API; a controller that acts on anything
// else implements Step itself and adds it with [Plan.Do].
type Step interface {
	// Verb is one lower-case word for the kind of the step ("create"). It labels metrics and spans.
	Verb() string

	// String says what the step does, as in "create ReplicaSet default/web-5d8f". It is the same for the same step.
	String() string

	// Why is the sentence that says what the step is for, with the numbers that decided it.
	Why() string

	// Do carries the step out. It must be safe to do again after it failed halfway, or after it succeeded and
	// nobody learned of it. The error says what happens next: see [Wait] and [Stop]; any other is tried again with
	// back-off.
	Do(ctx context.Context, act Actor) error
}

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

	// FieldOwner names the controller as a field manager, for server-side apply.
	FieldOwner() client.FieldOwner

	// SideBySide is how many requests of one step may be under way at once; it is above zero.
	SideBySide() int

	// Record sends an event. It never blocks and never fails.
	Record(Event)
}

// Plan is what a controller has decided to do next. The zero value is an empty plan: nothing is to be done.
type Plan struct {
	steps []Step
	again *Again
}

// Again says when to look again, and why.
type Again struct {
	// After counts from the moment of planning, and is above zero.
	After time.Duration
	// Why is a sentence, as in "the progress deadline passes then".
	Why string
}

// New returns an empty plan.
func New() *Plan { return &Plan{} }

// Create adds a step that creates objs, in slow-start batches; with no objs it adds nothing. See [Create].
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
	step := &Patch{observed: observed, wanted: wanted, data: difference(observed, wanted, butOfStatus), why: why}
	if step.data != nil {
		p.Do(step)
	}
	return step
}

// Status adds a step that brings the observed object's status to that of the wanted one. Where they do not differ it
// adds nothing. It may stand anywhere in the plan, and is taken also when an earlier step failed.
func (p *Plan) Status(observed, wanted client.Object) {
	p.StatusAfter(observed, func(error) client.Object { return wanted })
}

// StatusAfter is Status for a status which says how the steps before it went: wanted is called with their error, or
// with nil when all of them succeeded. It must be pure.
func (p *Plan) StatusAfter(observed client.Object, wanted func(failed error) client.Object) {
	p.Do(newStatus(observed, wanted))
}

// Apply adds a step that applies config server-side, under the controller's field manager, taking over conflicting
// fields. Unlike the other steps it is always in the plan: only the API server knows whether it changes anything.
func (p *Plan) Apply(why string, config runtime.ApplyConfiguration) {
	p.Do(&Apply{config: config, why: why})
}

// Delete adds a step that deletes objs in the background; with no objs it adds nothing. See [Delete].
func (p *Plan) Delete(why string, objs ...client.Object) *Delete {
	step := &Delete{objs: objs, why: why}
	if len(objs) > 0 {
		p.Do(step)
	}
	return step
}

// Event adds a step that records an event, once all the steps before it have succeeded. Events do not count as change:
// a plan of nothing but events is not empty, so a plan must come to record none when the world has settled.
func (p *Plan) Event(regarding client.Object, kind EventType, reason, format string, args ...any) {
	p.Do(&record{event: Event{Regarding: regarding, Type: kind, Reason: reason, Message: fmt.Sprintf(format, args...)}})
}

// Do adds a step of any kind.
func (p *Plan) Do(step Step) { p.steps = append(p.steps, step) }

// After asks to look again after d; of several the earliest counts. A d of zero or less asks to look again at once.
func (p *Plan) After(d time.Duration, why string) {
	d = max(d, time.Millisecond)
	if p.again == nil || d < p.again.After {
		p.again = &Again{After: d, Why: why}
	}
}

// Steps are the steps that change something, in order. A nil plan has none.
func (p *Plan) Steps() []Step {
	if p == nil {
		return nil
	}
	steps := make([]Step, 0, len(p.steps))
	for _, step := range p.steps {
		if status, ok := step.(*Status); ok && status.settled() {
			continue
		}
		steps = append(steps, step)
	}
	return steps
}

// All are the steps in order, with the status steps that will change something only if an earlier step fails.
func (p *Plan) All() []Step {
	if p == nil {
		return nil
	}
	return p.steps
}

// Again is when to look again; nil means when something changes.
func (p *Plan) Again() *Again {
	if p == nil {
		return nil
	}
	return p.again
}

// Empty reports that there is nothing to do now. A plan that only asks to look again is empty.
func (p *Plan) Empty() bool { return len(p.Steps()) == 0 }

// String is the plan in prose, a line a step; "nothing to do" for an empty one.
func (p *Plan) String() string {
	var lines []string
	for _, step := range p.Steps() {
		line := step.String()
		if why := step.Why(); why != "" {
			line += ": " + why
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		lines = append(lines, "nothing to do")
	}
	if again := p.Again(); again != nil {
		lines = append(lines, fmt.Sprintf("look again in %s: %s", again.After.Round(time.Millisecond), again.Why))
	}
	return strings.Join(lines, "\n")
}
