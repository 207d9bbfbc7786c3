package plan

import (
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

// AddFinalizer adds a step that puts a finalizer on an object. Where the object has it already, or is being deleted and may get
// no more, it adds nothing. See [Patch].
func (p *Plan) AddFinalizer(why string, observed client.Object, finalizer string) *Patch {
	wanted := observed.DeepCopyObject().(client.Object)
	if observed.GetDeletionTimestamp() == nil {
		controllerutil.AddFinalizer(wanted, finalizer)
	}
	step := p.Patch(why, observed, wanted)
	step.what = "add finalizer " + finalizer + " to " + name(observed)
	return step
}

// RemoveFinalizer adds a step that takes a finalizer off an object. Where the object has none of it, it adds nothing. See
// [Patch]; for many objects there is [PatchEach].
func (p *Plan) RemoveFinalizer(why string, observed client.Object, finalizer string) *Patch {
	wanted := observed.DeepCopyObject().(client.Object)
	controllerutil.RemoveFinalizer(wanted, finalizer)
	step := p.Patch(why, observed, wanted)
	step.what = "remove finalizer " + finalizer + " from " + name(observed)
	return step
}
