package looptest

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// collector is who deletes what has lost its owners.
const collector = "garbage collector"

// Collect does the next thing that a garbage collector has to do, and reports whether there was any: it deletes an object
// whose owners are all gone, deletes a dependent of an owner that is deleted in the foreground, lets such an owner go
// once nothing blocks it any more, or takes dependents from an owner that leaves them as orphans.
func (w *World) Collect() bool {
	for _, held := range w.holdings() {
		done, changed := w.collect(held)
		if changed {
			w.tell(done)
			return true
		}
	}
	return false
}

// holding is an object and its kind.
type holding struct {
	kind *kind
	obj  client.Object
}

// holdings are the objects of all kinds, in an order that is the same every time.
func (w *World) holdings() []holding {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []holding
	for _, k := range w.sortedKinds() {
		for _, key := range sortedKeys(k.objects) {
			all = append(all, holding{k, k.objects[key]})
		}
	}
	return all
}

func (w *World) collect(h holding) (Write, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	finalizers := h.obj.GetFinalizers()
	switch {
	case h.obj.GetDeletionTimestamp() != nil && slices.Contains(finalizers, metav1.FinalizerOrphanDependents):
		return w.orphan(h)
	case h.obj.GetDeletionTimestamp() != nil && slices.Contains(finalizers, metav1.FinalizerDeleteDependents):
		return w.foreground(h)
	case w.lostItsOwners(h.obj):
		return w.collected(h, metav1.DeletePropagationBackground)
	default:
		return Write{}, false
	}
}

// orphan takes the next dependent from an owner; when there is none it lets the owner go.
func (w *World) orphan(h holding) (Write, bool) {
	for _, dependent := range w.dependents(h.obj.GetUID()) {
		wanted := dependent.obj.DeepCopyObject().(client.Object)
		wanted.SetOwnerReferences(slices.DeleteFunc(wanted.GetOwnerReferences(), func(ref metav1.OwnerReference) bool {
			return ref.UID == h.obj.GetUID()
		}))
		return w.collectorWrites(dependent, wanted)
	}
	return w.release(h, metav1.FinalizerOrphanDependents)
}

// foreground deletes the next dependent of an owner; when none is left that blocks it, it lets the owner go.
func (w *World) foreground(h holding) (Write, bool) {
	blocked := false
	for _, dependent := range w.dependents(h.obj.GetUID()) {
		if dependent.obj.GetDeletionTimestamp() == nil {
			policy := metav1.DeletePropagationBackground
			if len(w.dependents(dependent.obj.GetUID())) > 0 {
				policy = metav1.DeletePropagationForeground
			}
			return w.collected(dependent, policy)
		}
		blocked = blocked || blocks(dependent.obj, h.obj.GetUID())
	}
	if blocked {
		return Write{}, false
	}
	return w.release(h, metav1.FinalizerDeleteDependents)
}

func (w *World) release(h holding, finalizer string) (Write, bool) {
	wanted := h.obj.DeepCopyObject().(client.Object)
	wanted.SetFinalizers(slices.DeleteFunc(wanted.GetFinalizers(), func(f string) bool { return f == finalizer }))
	return w.collectorWrites(h, wanted)
}

func (w *World) collectorWrites(h holding, wanted client.Object) (Write, bool) {
	after, err := w.replace(h.kind, h.obj, wanted, whole)
	return Write{By: collector, Verb: "patch", Before: h.obj, After: after}, err == nil && after != h.obj
}

func (w *World) collected(h holding, policy metav1.DeletionPropagation) (Write, bool) {
	if h.obj.GetDeletionTimestamp() != nil {
		return Write{}, false
	}
	after, err := w.delete(h.kind, h.obj, &client.DeleteOptions{PropagationPolicy: &policy})
	return Write{By: collector, Verb: "delete", Before: h.obj, After: after}, err == nil && after != h.obj
}

// lostItsOwners reports that an object has had owners and none of them exists.
func (w *World) lostItsOwners(obj client.Object) bool {
	owners := obj.GetOwnerReferences()
	return len(owners) > 0 && !slices.ContainsFunc(owners, func(ref metav1.OwnerReference) bool { return w.exists(ref.UID) })
}

func (w *World) exists(uid types.UID) bool {
	for _, k := range w.kinds {
		for _, obj := range k.objects {
			if obj.GetUID() == uid {
				return true
			}
		}
	}
	return false
}

func (w *World) dependents(uid types.UID) []holding {
	var found []holding
	for _, k := range w.sortedKinds() {
		for _, key := range sortedKeys(k.objects) {
			obj := k.objects[key]
			if slices.ContainsFunc(obj.GetOwnerReferences(), func(ref metav1.OwnerReference) bool { return ref.UID == uid }) {
				found = append(found, holding{k, obj})
			}
		}
	}
	return found
}

// blocks reports whether a dependent holds up the deletion of its owner.
func blocks(dependent client.Object, owner types.UID) bool {
	return slices.ContainsFunc(dependent.GetOwnerReferences(), func(ref metav1.OwnerReference) bool {
		return ref.UID == owner && ptr.Deref(ref.BlockOwnerDeletion, false)
	})
}
