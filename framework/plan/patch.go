package plan

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Patch turns an observed object into a wanted one by a JSON merge patch, locked to the observed resourceVersion. It
// leaves the status alone. That the object has changed since, or is gone, is a conflict.
type Patch struct {
	observed, wanted client.Object
	data             []byte
	why              string
	hooks            hooks
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

func (s *Patch) String() string { return "patch " + name(s.observed) + " " + string(s.data) }

// Do writes the patch.
func (s *Patch) Do(ctx context.Context, act Actor) error {
	obj := s.wanted.DeepCopyObject().(client.Object)
	patch, err := locked(s.data, act.ResourceVersion(s.observed))
	if err != nil {
		return err
	}
	err = patched(act.Patch(ctx, obj, patch, act.FieldOwner()))
	s.hooks.record(act, obj, err)
	if err != nil {
		return fmt.Errorf("patching %s: %w", name(obj), err)
	}
	return nil
}

// Status brings an object's status to the wanted one, by a merge patch of the status subresource that is locked to the
// observed resourceVersion. That the object has changed since, or is gone, is a conflict; that its kind has no status
// subresource, which the API server answers just the same, is an error that says so.
type Status struct {
	observed client.Object
	wanted   func(failed error) client.Object
	data     []byte // the merge patch if nothing fails; nil where nothing differs
}

func newStatus(observed client.Object, wanted func(failed error) client.Object) *Status {
	return &Status{observed: observed, wanted: wanted, data: difference(observed, wanted(nil), ofStatus)}
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

func (s *Status) String() string { return "status " + name(s.observed) + " " + string(s.data) }

// Do writes the status of a plan of which nothing failed.
func (s *Status) Do(ctx context.Context, act Actor) error { return s.Report(ctx, act, nil) }

// Report writes the status, unless it is what it shall be.
func (s *Status) Report(ctx context.Context, act Actor, failed error) error {
	wanted, data := s.wanted(failed), s.data
	if failed != nil {
		data = difference(s.observed, wanted, ofStatus)
	}
	if data == nil {
		return nil
	}
	obj := wanted.DeepCopyObject().(client.Object)
	patch, err := locked(data, act.ResourceVersion(s.observed))
	if err != nil {
		return err
	}
	err = act.Status().Patch(ctx, obj, patch, act.FieldOwner())
	if err := statusPatched(ctx, act, s.observed, err); err != nil {
		return fmt.Errorf("writing the status of %s: %w", name(obj), err)
	}
	return nil
}

// Apply applies a configuration server-side.
type Apply struct {
	config runtime.ApplyConfiguration
	why    string
}

// Config is what is applied.
func (s *Apply) Config() runtime.ApplyConfiguration { return s.config }

// Verb is "apply".
func (s *Apply) Verb() string { return "apply" }

// Why is the reason that was given.
func (s *Apply) Why() string { return s.why }

func (s *Apply) String() string { return fmt.Sprintf("apply %s", appliedName(s.config)) }

// Do applies the configuration.
func (s *Apply) Do(ctx context.Context, act Actor) error {
	if err := act.Apply(ctx, s.config, act.FieldOwner(), client.ForceOwnership); err != nil {
		return fmt.Errorf("applying %s: %w", appliedName(s.config), err)
	}
	return nil
}

// difference is the JSON merge patch from observed to wanted, as far as it concerns a part of them, or nil where they are
// semantically the same. It panics on what is no object of an API: such a thing cannot have been observed.
func difference(observed, wanted client.Object, concerns func(field string) bool) []byte {
	if equality.Semantic.DeepEqual(observed, wanted) {
		return nil
	}
	data, err := client.MergeFrom(observed).Data(wanted)
	if err != nil {
		panic(fmt.Errorf("comparing %s with what it shall be: %w", name(observed), err))
	}
	var patch map[string]json.RawMessage
	if err := json.Unmarshal(data, &patch); err != nil {
		panic(fmt.Errorf("reading the merge patch of %s: %w", name(observed), err))
	}
	maps.DeleteFunc(patch, func(field string, _ json.RawMessage) bool { return !concerns(field) })
	if len(patch) == 0 {
		return nil
	}
	data, err = json.Marshal(patch)
	if err != nil {
		panic(fmt.Errorf("writing the merge patch of %s: %w", name(observed), err))
	}
	return data
}

// An object is written in two parts: the status, and everything else.
func ofStatus(field string) bool    { return field == "status" }
func butOfStatus(field string) bool { return field != "status" }

// locked adds the resourceVersion to a merge patch, so that the server refuses it on any other.
func locked(data []byte, resourceVersion string) (client.Patch, error) {
	var patch map[string]any
	if err := json.Unmarshal(data, &patch); err != nil {
		return nil, fmt.Errorf("reading a merge patch: %w", err)
	}
	metadata, _ := patch["metadata"].(map[string]any)
	if metadata == nil {
		metadata = map[string]any{}
		patch["metadata"] = metadata
	}
	metadata["resourceVersion"] = resourceVersion
	data, err := json.Marshal(patch)
	if err != nil {
		return nil, fmt.Errorf("writing a merge patch: %w", err)
	}
	return client.RawPatch(types.MergePatchType, data), nil
}
