package eviction

import (
	"fmt"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"

	"github.com/orrery-dev/orrery/nodeagent/status"
)

// Reason is that of pods which are evicted, or not let in because the node is short of something.
const Reason = "Evicted"

// Admit refuses pods while the node is under pressure. Under that of memory alone, pods that request something are let in, and those that
// tolerate its taint.
func (m *Manager) Admit(pod *corev1.Pod, _ []*corev1.Pod) *status.Failure {
	return admit(pod, m.Conditions())
}

func admit(pod *corev1.Pod, conditions []corev1.NodeConditionType) *status.Failure {
	if len(conditions) == 0 || status.Critical(pod) {
		return nil
	}
	onlyMemory := len(conditions) == 1 && conditions[0] == corev1.NodeMemoryPressure
	if onlyMemory && (status.QOSClass(&pod.Spec) != corev1.PodQOSBestEffort || toleratesMemoryPressure(pod)) {
		return nil
	}
	return &status.Failure{Reason: Reason, Message: fmt.Sprintf("The node had condition: %v. ", conditions)}
}

func toleratesMemoryPressure(pod *corev1.Pod) bool {
	taint := &corev1.Taint{Key: corev1.TaintNodeMemoryPressure, Effect: corev1.TaintEffectNoSchedule}
	return schedulinghelpers.TolerationsTolerateTaint(logr.Discard(), pod.Spec.Tolerations, taint, false)
}
