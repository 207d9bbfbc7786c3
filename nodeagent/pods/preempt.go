package pods

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/nodeagent/status"
)

// Upstream's words for a pod that ends so that a critical one can start.
const (
	preempting         = "Preempting"
	preemptedMessage   = "Preempted in order to admit critical pod"
	preemptedCondition = "Pod was preempted by Kubelet to accommodate a critical pod."
)

// preempt fails the pods that have to leave for a critical one which was refused, and returns why it is refused still; nil if it is let
// in. It starts when they have ended. The lock is held.
func (l *Loop) preempt(w *worker, refused *status.Failure) *status.Failure {
	if l.Preempt == nil || !status.Critical(w.pod) {
		return refused
	}
	others := l.others(w.pod)
	victims := l.Preempt(w.pod, others)
	if len(victims) == 0 {
		return refused
	}
	rest := slices.DeleteFunc(slices.Clone(others), func(other *corev1.Pod) bool {
		return slices.ContainsFunc(victims, func(v *corev1.Pod) bool { return v.UID == other.UID })
	})
	if still := l.Admit(w.pod, rest); still != nil {
		return still
	}
	for _, v := range victims {
		victim := l.workers[v.UID]
		if victim.memory.Failure == nil {
			victim.memory.Failure = &status.Failure{Reason: preempting, Message: preemptedMessage, Disrupts: true, Disruption: preemptedCondition}
			defer l.tellPreempted(victim.pod)
		}
		w.awaits = append(w.awaits, v.UID)
	}
	return nil
}

// tellPreempted says that a pod has to leave. The lock is held, which a pass needs.
func (l *Loop) tellPreempted(pod *corev1.Pod) {
	if l.Event != nil {
		l.Event(pod, "", corev1.EventTypeWarning, preempting, preemptedMessage)
	}
	l.engine.Wake(pod.UID)
}

// preempting says whether pods are still there that end to make room for this one. The lock is held.
func (l *Loop) preempting(w *worker) bool {
	w.awaits = slices.DeleteFunc(w.awaits, func(uid types.UID) bool {
		other := l.workers[uid]
		return other == nil || other.memory.Cleaned
	})
	return len(w.awaits) > 0
}
