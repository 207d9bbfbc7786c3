package apicalls

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// setCondition puts a condition in the place of the one of its type, and reports whether that changed anything. The time is
// that of the last change of the condition's status.
func setCondition(status *corev1.PodStatus, condition corev1.PodCondition) bool {
	condition.LastTransitionTime = metav1.Now()
	for i := range status.Conditions {
		old := &status.Conditions[i]
		if old.Type != condition.Type {
			continue
		}
		if old.Status == condition.Status {
			condition.LastTransitionTime = old.LastTransitionTime
		}
		condition.LastProbeTime = old.LastProbeTime
		changed := old.Status != condition.Status || old.Reason != condition.Reason || old.Message != condition.Message
		*old = condition
		return changed
	}
	status.Conditions = append(status.Conditions, condition)
	return true
}
