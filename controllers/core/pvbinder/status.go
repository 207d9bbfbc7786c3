package pvbinder

import (
	"slices"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// preResize is the annotation of a volume that has grown, with the size that its file system still has.
const preResize = "volume.alpha.kubernetes.io/pre-resize-capacity"

// pending is a claim without a volume.
func pending(claim *ocorev1.PersistentVolumeClaim) *ocorev1.PersistentVolumeClaim {
	return without(claim, corev1.ClaimPending)
}

// without is a claim in a phase in which it has nothing of a volume.
func without(claim *ocorev1.PersistentVolumeClaim, phase corev1.PersistentVolumeClaimPhase) *ocorev1.PersistentVolumeClaim {
	reported := claim.DeepCopy()
	reported.Status.Phase = phase
	reported.Status.AccessModes, reported.Status.Capacity, reported.Status.CurrentVolumeAttributesClassName = nil, nil, nil
	return reported
}

// bound is a claim with what it has of its volume. Size and attributes class are told when the claim comes to be bound: later they
// are whoever resizes or changes the volume's to tell.
func bound(claim *ocorev1.PersistentVolumeClaim, v *ocorev1.PersistentVolume) *ocorev1.PersistentVolumeClaim {
	reported := claim.DeepCopy()
	was := reported.Status.Phase
	reported.Status.Phase = corev1.ClaimBound
	reported.Status.AccessModes = slices.Clone(v.Spec.AccessModes)
	if was != corev1.ClaimBound {
		reported.Status.Capacity = capacity(claim.Status.Capacity, v)
	}
	if was == corev1.ClaimPending {
		reported.Status.CurrentVolumeAttributesClassName = v.Spec.VolumeAttributesClassName
	}
	return reported
}

// capacity is what a claim gets of a volume: the size of its file system, where that has not grown with the volume.
func capacity(told corev1.ResourceList, v *ocorev1.PersistentVolume) corev1.ResourceList {
	size, grown := v.Annotations[preResize]
	before, err := resource.ParseQuantity(size)
	if !grown {
		return v.Spec.Capacity.DeepCopy()
	}
	if err != nil {
		before = v.Spec.Capacity[corev1.ResourceStorage]
	}
	told = told.DeepCopy()
	if told == nil {
		told = corev1.ResourceList{}
	}
	told[corev1.ResourceStorage] = before
	return told
}
