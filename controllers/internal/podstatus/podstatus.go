// Package podstatus sets conditions of pods, for loops that speak for a pod whose node does not.
//
// It owns the words of a disruption, and promises that a time of change moves with the status only. It never says why a
// pod is disrupted: reasons and messages are the caller's.
package podstatus

import (
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/conditionsof"
	corev1 "k8s.io/api/core/v1"
)

// Disrupt marks a pod as one that ends because of a disruption, and not by its own fault.
func Disrupt(pod *ocorev1.Pod, reason, message string, now time.Time) {
	pod.Status.Conditions = conditionsof.Pod.Set(pod.Status.Conditions, corev1.PodCondition{
		Type:    corev1.DisruptionTarget,
		Status:  corev1.ConditionTrue,
		Reason:  reason,
		Message: message,
	}, now)
}
