package looptest

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// defaultGrace is the grace period of what is deleted gracefully, where the request names none.
const defaultGrace = 30

// delete deletes an object or, where finalizers or a grace period hold it, marks it as being deleted. It answers what is
// left of it.
func (w *World) delete(k *kind, current client.Object, options *client.DeleteOptions) (client.Object, error) {
	if p := options.Preconditions; p != nil {
		if p.UID != nil && *p.UID != current.GetUID() {
			return nil, conflict(k, current.GetName(), "the UID in the precondition (%s) is not that of the object (%s)", *p.UID, current.GetUID())
		}
		if p.ResourceVersion != nil && *p.ResourceVersion != current.GetResourceVersion() {
			return nil, conflict(k, current.GetName(), "the resourceVersion in the precondition (%s) is not that of the object (%s)",
				*p.ResourceVersion, current.GetResourceVersion())
		}
	}
	wanted := current.DeepCopyObject().(client.Object)
	wanted.SetFinalizers(finalizersFor(current.GetFinalizers(), ptr.Deref(options.PropagationPolicy, "")))
	grace := w.grace(current, options.GracePeriodSeconds)
	key := client.ObjectKeyFromObject(current)
	if grace == 0 && len(wanted.GetFinalizers()) == 0 {
		w.store(k, key, nil)
		return nil, nil
	}
	if current.GetDeletionTimestamp() != nil && noChange(current, wanted, grace) {
		return current, nil
	}
	if current.GetDeletionTimestamp() == nil {
		at := w.Now().Add(time.Duration(grace) * time.Second).Truncate(time.Second)
		wanted.SetDeletionTimestamp(&metav1.Time{Time: at})
		if generation := current.GetGeneration(); generation > 0 {
			wanted.SetGeneration(generation + 1)
		}
	}
	wanted.SetDeletionGracePeriodSeconds(&grace)
	w.store(k, key, wanted)
	return wanted, nil
}

func noChange(current, wanted client.Object, grace int64) bool {
	return grace >= ptr.Deref(current.GetDeletionGracePeriodSeconds(), 0) &&
		slices.Equal(current.GetFinalizers(), wanted.GetFinalizers())
}

// finalizersFor are the finalizers of an object that is deleted in a certain way. An empty policy keeps them.
func finalizersFor(finalizers []string, policy metav1.DeletionPropagation) []string {
	if policy == "" {
		return slices.Clone(finalizers)
	}
	kept := slices.DeleteFunc(slices.Clone(finalizers), func(f string) bool {
		return f == metav1.FinalizerDeleteDependents || f == metav1.FinalizerOrphanDependents
	})
	switch policy {
	case metav1.DeletePropagationForeground:
		return append(kept, metav1.FinalizerDeleteDependents)
	case metav1.DeletePropagationOrphan:
		return append(kept, metav1.FinalizerOrphanDependents)
	default:
		return kept
	}
}

// grace is the grace period of a deletion, in seconds.
func (w *World) grace(obj client.Object, asked *int64) int64 {
	if w.Graceful == nil || !w.Graceful(obj) {
		return 0
	}
	return ptr.Deref(asked, defaultGrace)
}

func noGrace(obj client.Object) bool { return ptr.Deref(obj.GetDeletionGracePeriodSeconds(), 0) == 0 }
