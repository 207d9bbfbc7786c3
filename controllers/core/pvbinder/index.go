package pvbinder

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/storage/volume"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The indexes by which volumes and claims are found.
const (
	freeOfClass    = "freeOfClass"    // volumes that name no claim, by their class
	unboundOfClass = "unboundOfClass" // claims that name no volume, by their class
	naming         = "volumeName"     // claims that name a volume, by it
)

// unset is the class of claims that say nothing of a class, which is no name that a class can have.
const unset = "*"

func classOfFree(obj client.Object) []string {
	v, ok := obj.(*ocorev1.PersistentVolume)
	if !ok || v.Spec.ClaimRef != nil {
		return nil
	}
	return []string{classOfVolume(v)}
}

func classOfUnbound(obj client.Object) []string {
	claim, ok := obj.(*ocorev1.PersistentVolumeClaim)
	switch {
	case !ok || claim.Spec.VolumeName != "" || isBound(claim):
		return nil
	case !hasClass(claim):
		return []string{unset, ""} // it gets volumes of no class
	default:
		return []string{classOf(claim)}
	}
}

func volumeNamed(obj client.Object) []string {
	claim, ok := obj.(*ocorev1.PersistentVolumeClaim)
	if !ok || claim.Spec.VolumeName == "" {
		return nil
	}
	return []string{claim.Spec.VolumeName}
}

// isBound reports that the claim has had its volume.
func isBound(claim *ocorev1.PersistentVolumeClaim) bool {
	return metav1.HasAnnotation(claim.ObjectMeta, volume.AnnBindCompleted)
}

// hasClass reports that the claim says of which class it wants to be, or that it wants to be of none.
func hasClass(claim *ocorev1.PersistentVolumeClaim) bool {
	return volume.PersistentVolumeClaimHasClass((*corev1.PersistentVolumeClaim)(claim))
}

func classOf(claim *ocorev1.PersistentVolumeClaim) string {
	return volume.GetPersistentVolumeClaimClass((*corev1.PersistentVolumeClaim)(claim))
}

func classOfVolume(v *ocorev1.PersistentVolume) string {
	return volume.GetPersistentVolumeClass((*corev1.PersistentVolume)(v))
}
