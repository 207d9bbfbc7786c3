package plan

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Patches changes many objects side by side, each by a [Patch] of its own: one that has changed since ends in a conflict, and
// holds up no other.
type Patches struct {
	patches []*Patch
	why     string
	confirm confirm
}

// PatchEach adds a step that changes objects side by side, each locked to its observed resourceVersion; objects that change
// leaves as they are it passes over, and where there are no others it adds nothing. change gets copies, must be pure, and
// cannot change the status.
func PatchEach[T client.Object](p *Plan, why string, observed []T, change func(T)) *Patches {
	step := &Patches{why: why}
	for _, obj := range observed {
		wanted := obj.DeepCopyObject().(T)
		change(wanted)
		if patch := newPatch(why, obj, wanted); patch.data != nil {
			step.patches = append(step.patches, patch)
		}
	}
	if len(step.patches) > 0 {
		p.Do(step)
	}
	return step
}

// Confirm has check look at the API server itself once, right before the first patch is written. Its error ends the step, and
// says what happens next: see [Wait] and [Stop].
func (s *Patches) Confirm(check func(ctx context.Context, live client.Reader) error) *Patches {
	s.confirm = check
	return s
}

// Succeeded records an event for each object whose patch is written.
func (s *Patches) Succeeded(event func(patched client.Object) Event) *Patches {
	for _, patch := range s.patches {
		patch.Succeeded(event)
	}
	return s
}

// Failed records an event for each object whose patch could not be written. A conflict is no failure.
func (s *Patches) Failed(event func(obj client.Object, err error) Event) *Patches {
	for _, patch := range s.patches {
		patch.Failed(event)
	}
	return s
}

// Each are the patches of the objects that change.
func (s *Patches) Each() []*Patch { return s.patches }

// Verb is "patch".
func (s *Patches) Verb() string { return "patch" }

// Why is the reason that was given.
func (s *Patches) Why() string { return s.why }

// String says what changes, where that is the same for all.
func (s *Patches) String() string {
	objs := make([]client.Object, len(s.patches))
	same := true
	for i, patch := range s.patches {
		objs[i] = patch.observed
		same = same && patch.data.String() == s.patches[0].data.String()
	}
	if !same {
		return "patch " + describe(objs) + ", each in its own way"
	}
	return "patch " + describe(objs) + " " + s.patches[0].data.String()
}

// Do writes the patches.
func (s *Patches) Do(ctx context.Context, act Actor) error {
	if err := s.confirm.holds(ctx, act); err != nil {
		return fmt.Errorf("confirming before patching %d objects: %w", len(s.patches), err)
	}
	return parallel(0, len(s.patches), act.SideBySide(), func(i int) error { return s.patches[i].write(ctx, act) })
}
