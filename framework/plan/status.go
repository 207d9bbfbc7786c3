package plan

import (
	"context"
	"fmt"

	"github.com/orrery-dev/orrery/framework/merge"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Status brings an object's status to the wanted one, by a merge patch of the status subresource that is locked to the
// observed resourceVersion. That the object has changed since, or is gone, is a conflict; that its kind has no status
// subresource, which the API server answers just the same, is an error that says so.
type Status struct {
	observed client.Object
	wanted   func(failed error) client.Object
	data     merge.Patch // if nothing fails; nil where nothing differs
	hooks    hooks
}

func newStatus(observed client.Object, wanted func(failed error) client.Object) *Status {
	return &Status{observed: observed, wanted: wanted, data: merge.Difference(observed, wanted(nil)).Only(ofStatus)}
}

// Failed records an event when the status could not be written. A conflict is no failure.
func (s *Status) Failed(event func(obj client.Object, err error) Event) *Status {
	s.hooks.failed = event
	return s
}

// Observed is the object as it was read.
func (s *Status) Observed() client.Object { return s.observed }

// Wanted is the object with the status that it shall have if the steps before this one succeed.
func (s *Status) Wanted() client.Object { return s.wanted(nil) }

// WantedAfter is the object with the status that it shall have when a step before this one failed.
func (s *Status) WantedAfter(failed error) client.Object { return s.wanted(failed) }

// Idle reports that the status is what it shall be, unless a step before this one fails.
func (s *Status) Idle() bool { return s.data == nil }

// Verb is "status".
func (s *Status) Verb() string { return "status" }

// Why is empty: a status says what is, and its difference is its own reason.
func (s *Status) Why() string { return "" }

func (s *Status) String() string { return "status " + name(s.observed) + " " + s.data.String() }

// Do writes the status of a plan of which nothing failed.
func (s *Status) Do(ctx context.Context, act Actor) error { return s.Report(ctx, act, nil) }

// Report writes the status, unless it is what it shall be.
func (s *Status) Report(ctx context.Context, act Actor, failed error) error {
	wanted, data := s.wanted(failed), s.data
	if failed != nil {
		data = merge.Difference(s.observed, wanted).Only(ofStatus)
	}
	if data == nil {
		return nil
	}
	obj := wanted.DeepCopyObject().(client.Object)
	err := act.Status().Patch(ctx, obj, data.Locked("", act.ResourceVersion(s.observed)), act.FieldOwner())
	err = statusPatched(ctx, act, s.observed, err)
	s.hooks.record(act, obj, err)
	if err != nil {
		return fmt.Errorf("writing the status of %s: %w", name(obj), err)
	}
	return nil
}
