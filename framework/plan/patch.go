package plan

import (
	"context"
	"fmt"

	"github.com/orrery-dev/orrery/framework/merge"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Patch turns an observed object into a wanted one by a JSON merge patch, locked to the observed resourceVersion. It
// leaves the status alone. That the object has changed since, or is gone, is a conflict.
type Patch struct {
	observed, wanted client.Object
	data             merge.Patch
	what             string // in prose; empty: what data says
	why              string
	confirm          confirm
	hooks            hooks
}

// newPatch is the patch from observed to wanted. Where they do not differ its data are nil.
func newPatch(why string, observed, wanted client.Object) *Patch {
	return &Patch{observed: observed, wanted: wanted, data: merge.Difference(observed, wanted).Only(butOfStatus), why: why}
}

// Confirm has check look at the API server itself right before the patch is written. Its error ends the step, and says what
// happens next: see [Wait] and [Stop].
func (s *Patch) Confirm(check func(ctx context.Context, live client.Reader) error) *Patch {
	s.confirm = check
	return s
}

// Succeeded records an event once the patch is written.
func (s *Patch) Succeeded(event func(patched client.Object) Event) *Patch {
	s.hooks.succeeded = event
	return s
}

// Failed records an event when the patch could not be written. A conflict is no failure.
func (s *Patch) Failed(event func(obj client.Object, err error) Event) *Patch {
	s.hooks.failed = event
	return s
}

// Observed is the object as it was read. It must not be changed.
func (s *Patch) Observed() client.Object { return s.observed }

// Wanted is the object as it shall be. It must not be changed.
func (s *Patch) Wanted() client.Object { return s.wanted }

// Verb is "patch".
func (s *Patch) Verb() string { return "patch" }

// Why is the reason that was given.
func (s *Patch) Why() string { return s.why }

func (s *Patch) String() string {
	if s.what != "" {
		return s.what
	}
	return "patch " + name(s.observed) + " " + s.data.String()
}

// Do writes the patch.
func (s *Patch) Do(ctx context.Context, act Actor) error {
	if err := s.confirm.holds(ctx, act); err != nil {
		return fmt.Errorf("confirming before patching %s: %w", name(s.observed), err)
	}
	return s.write(ctx, act)
}

func (s *Patch) write(ctx context.Context, act Actor) error {
	obj := s.wanted.DeepCopyObject().(client.Object)
	err := patched(act.Patch(ctx, obj, s.data.Locked("", act.ResourceVersion(s.observed)), act.FieldOwner()))
	s.hooks.record(act, obj, err)
	if err != nil {
		return fmt.Errorf("patching %s: %w", name(obj), err)
	}
	return nil
}

// Locked is the merge patch from an observed object to a wanted one as a step of a controller's own sends it: good for the
// version that act wrote last, or else for the observed one, and refused with a conflict on any other.
func Locked(act Actor, observed, wanted client.Object) client.Patch {
	return merge.Difference(observed, wanted).Locked("", act.ResourceVersion(observed))
}

// An object is written in two parts: the status, and everything else.
func ofStatus(field string) bool    { return field == "status" }
func butOfStatus(field string) bool { return field != "status" }
