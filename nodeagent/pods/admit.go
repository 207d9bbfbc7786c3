package pods

import (
	"cmp"
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/nodeagent/status"
)

// begin lets the pods in that the agent finds when it is started: those that have run before, and then the others by age, as far as
// there is room beside them.
func (l *Loop) begin(ctx context.Context) {
	l.beginStatic(ctx)
	l.mu.Lock()
	l.begun = true
	waiting := make([]*worker, 0, len(l.workers))
	for _, w := range l.workers {
		waiting = append(waiting, w)
	}
	slices.SortFunc(waiting, func(a, b *worker) int {
		return cmp.Or(falseFirst(!ranBefore(a.pod), !ranBefore(b.pod)), a.pod.CreationTimestamp.Compare(b.pod.CreationTimestamp.Time))
	})
	l.mu.Unlock()
	for _, w := range waiting {
		l.Wake(l.judge(w))
	}
}

// judge lets a pod in, or fails it, unless that was done before. It returns the UID of the pod.
func (l *Loop) judge(w *worker) types.UID {
	l.mu.Lock()
	if w.judged = true; status.Static(w.pod) {
		l.succeed(w.pod)
	}
	pod := w.pod
	if w.admitted || w.orphan || w.memory.Failure != nil {
		l.mu.Unlock()
		return pod.UID
	}
	refused := l.admit(pod)
	if refused != nil {
		refused = l.preempt(w, refused)
	}
	if refused != nil {
		w.reject(refused)
	} else if w.admitted = true; w.allocated == nil && !ranBefore(pod) {
		w.allocated = allocationOf(&pod.Spec)
	}
	l.mu.Unlock()
	l.tellRejected(pod, refused)
	return pod.UID
}

// reject fails a pod that cannot run here. The lock is held.
func (w *worker) reject(refused *status.Failure) {
	w.memory.Failure = &status.Failure{Reason: refused.Reason, Message: "Pod was rejected: " + refused.Message}
}

// tellRejected records why a pod cannot run here; nil says that it can.
func (l *Loop) tellRejected(pod *corev1.Pod, refused *status.Failure) {
	if refused != nil && l.Event != nil {
		l.Event(pod, "", corev1.EventTypeWarning, refused.Reason, refused.Message)
	}
}

// forbid fails a pod that may not run as it is now, before any pass has seen that. Whoever may write pods may write their statuses, so
// that what one says to have run before counts for nothing. The lock is held.
func (l *Loop) forbid(w *worker) *status.Failure {
	if l.Forbid == nil || w.memory.Failure != nil || w.pod.DeletionTimestamp != nil || status.Static(w.pod) { // who writes manifests owns the node
		return nil
	}
	refused := l.Forbid(w.pod)
	if refused != nil {
		w.reject(refused)
	}
	return refused
}

// admit says why a pod that was never seen before cannot run here; nil means that it can. The lock is held.
func (l *Loop) admit(pod *corev1.Pod) *status.Failure {
	if l.Admit == nil || status.Terminal(pod.Status.Phase) || ranBefore(pod) || pod.DeletionTimestamp != nil {
		return nil
	}
	return l.Admit(pod, l.others(pod))
}

// ranBefore says whether the pod was let in by an agent before this one.
func ranBefore(pod *corev1.Pod) bool { return len(pod.Status.ContainerStatuses) > 0 }

// others are the pods here that still take up room, with what they were allocated. The lock is held.
func (l *Loop) others(pod *corev1.Pod) []*corev1.Pod {
	var found []*corev1.Pod
	for uid, w := range l.workers {
		if uid != pod.UID && w.takesRoom() {
			given, _ := w.given()
			found = append(found, withStatus(given, w.memory.Status))
		}
	}
	return found
}

// takesRoom says whether the pod was let in and has not ended; one that fails takes it until then. One that was cleaned up has ended,
// though it may not be forgotten yet: its object is removed then, and a scheduler gives its room to others at once.
func (w *worker) takesRoom() bool {
	return w.admitted && !w.memory.Cleaned && !status.Terminal(w.pod.Status.Phase)
}
