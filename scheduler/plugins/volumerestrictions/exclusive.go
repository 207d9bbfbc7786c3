package volumerestrictions

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// exclusive are the claims of a pod that it must have for itself, and how often other pods use one of them.
type exclusive struct {
	claims []string
	users  int
}

// Clone copies the count; the claims never change.
func (e *exclusive) Clone() fwk.StateData {
	copied := *e
	return &copied
}

func (e *exclusive) has(claim string) bool { return slices.Contains(e.claims, claim) }

// mentions counts the volumes of another pod that name one of the claims. Like kube-scheduler's, it goes by the name
// alone: a pod of another namespace counts too.
func (e *exclusive) mentions(other *corev1.Pod) int {
	mentions := 0
	for i := range other.Spec.Volumes {
		if source := other.Spec.Volumes[i].PersistentVolumeClaim; source != nil && e.has(source.ClaimName) {
			mentions++
		}
	}
	return mentions
}

func isReadWriteOncePod(claim *corev1.PersistentVolumeClaim) bool {
	return slices.Contains(claim.Spec.AccessModes, corev1.ReadWriteOncePod)
}
