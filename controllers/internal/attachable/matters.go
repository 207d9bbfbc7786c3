package attachable

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// What lets pass the changes by which it may change whether a volume has to be attached.
var (
	// PodMatters is for pods that have such volumes: they come to a node, or need them no more.
	PodMatters = predicate.And(
		predicate.NewPredicateFuncs(func(obj client.Object) bool {
			pod, ok := obj.(*ocorev1.Pod)
			return ok && Possible(pod)
		}),
		loop.Update(func(was, is *ocorev1.Pod) bool { return was.UID != is.UID || Holds(was) != Holds(is) }),
	)
	// ClaimMatters is for claims that are bound, or are no more.
	ClaimMatters = loop.Update(func(was, is *ocorev1.PersistentVolumeClaim) bool {
		return was.UID != is.UID || was.Status.Phase != is.Status.Phase || was.Spec.VolumeName != is.Spec.VolumeName
	})
	// PersistentVolumeMatters is for volumes that are bound, or are no more.
	PersistentVolumeMatters = loop.Update(func(was, is *ocorev1.PersistentVolume) bool {
		return was.UID != is.UID || claimed(was) != claimed(is)
	})
)

// claimed is the UID of the claim that a volume is bound to.
func claimed(pv *ocorev1.PersistentVolume) types.UID {
	if pv.Spec.ClaimRef == nil {
		return ""
	}
	return pv.Spec.ClaimRef.UID
}
