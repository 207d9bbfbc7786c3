package statefulset

import (
	"maps"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// volumesOf are the claims that a pod with a number has to have, in the order of their templates.
func volumesOf(set *oappsv1.StatefulSet, ordinal int) []*ocorev1.PersistentVolumeClaim {
	var claims []*ocorev1.PersistentVolumeClaim
	for i := range set.Spec.VolumeClaimTemplates {
		template := set.Spec.VolumeClaimTemplates[i].DeepCopy()
		claim := &ocorev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{
			Namespace: set.Namespace, Name: volumeName(set, template, ordinal), Labels: template.Labels, Annotations: template.Annotations,
		}, Spec: template.Spec}
		if claim.Labels == nil {
			claim.Labels = map[string]string{}
		}
		maps.Copy(claim.Labels, set.Spec.Selector.MatchLabels)
		claims = append(claims, claim)
	}
	return claims
}

// retention is what becomes of claims.
func retention(set *oappsv1.StatefulSet) (withSet, withPod bool) {
	policy := ptr.Deref(set.Spec.PersistentVolumeClaimRetentionPolicy, appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{})
	return policy.WhenDeleted == appsv1.DeletePersistentVolumeClaimRetentionPolicyType, policy.WhenScaled == appsv1.DeletePersistentVolumeClaimRetentionPolicyType
}

// owners says which of a StatefulSet and its pod shall own a claim. A claim with another controller they leave alone.
func owners(set *oappsv1.StatefulSet, claim *ocorev1.PersistentVolumeClaim, pod *ocorev1.Pod, condemned bool) (bySet, byPod, conflict bool) {
	withSet, withPod := retention(set)
	if (withSet || withPod) && foreign(set, claim, pod) {
		return false, false, true
	}
	byPod = withPod && condemned
	return withSet && !byPod, byPod, false
}

// foreign reports that a claim has a controller that is neither the StatefulSet nor the pod.
func foreign(set *oappsv1.StatefulSet, claim *ocorev1.PersistentVolumeClaim, pod *ocorev1.Pod) bool {
	controller := metav1.GetControllerOfNoCopy(claim)
	return controller != nil && controller.UID != set.UID && controller.UID != pod.UID
}

// stale reports that a claim belongs to a former StatefulSet or pod of the same name: it goes with it, and nobody touches it before.
func stale(set *oappsv1.StatefulSet, claim *ocorev1.PersistentVolumeClaim, pod *ocorev1.Pod) bool {
	for _, ref := range claim.OwnerReferences {
		switch {
		case ref.Kind == "StatefulSet" && ref.Name == set.Name && ref.UID != set.UID:
			return true
		case ref.Kind == "Pod" && ref.Name == pod.Name && ref.UID != pod.UID:
			return true
		}
	}
	return false
}

// owned reports that an owner is in a claim's references exactly if it shall be, and as the controller.
func owned(claim *ocorev1.PersistentVolumeClaim, owner metav1.Object, shall bool) bool {
	for _, ref := range claim.OwnerReferences {
		if ref.UID == owner.GetUID() {
			return shall && ptr.Deref(ref.Controller, false)
		}
	}
	return !shall
}
