package pods

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cgroups"
	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// recall reads what the pod was resized to by an agent before this one. The lock is held.
func (l *Loop) recall(w *worker) {
	text, err := l.Host.ReadCheckpoint(w.pod.UID)
	if err == nil {
		w.resized, err = decode(text)
	}
	if err != nil {
		l.Log.Error(err, "Taking what the sandbox says for what the pod was allocated", "pod", nameOf(w.pod))
	}
	if w.resized != nil {
		w.allocated = w.resized.Allocated
	}
}

// recallAll reads what pods were allocated when their sandboxes were made: it has to be known of all before another is let in.
func (l *Loop) recallAll(ctx context.Context) {
	sandboxes, err := l.Runtime.ListPodSandbox(ctx, &runtimeapi.PodSandboxFilter{LabelSelector: map[string]string{cri.LabelAgent: l.Agent}})
	if err != nil {
		l.Log.Error(err, "Looking for what pods were allocated")
	}
	slices.SortFunc(sandboxes, func(a, b *runtimeapi.PodSandbox) int {
		return int(b.Metadata.GetAttempt()) - int(a.Metadata.GetAttempt())
	})
	left := l.leftovers(ctx, sandboxes)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range sandboxes {
		if w := l.workers[types.UID(s.Labels[cri.LabelPodUID])]; w != nil && w.allocated == nil {
			w.allocated = remembered(s.Annotations)
		}
	}
	l.left, l.recalled = left, true
}

// learn notes what a pod was allocated: what its sandbox remembers, if it never was resized, or else what its spec asks for. The sandbox
// is right also where the pod was let in by its spec, for want of a better: by an agent that could not see its sandbox when it was
// started, nor a status of the pod. The lock is held.
func (l *Loop) learn(w *worker, sandboxes []cri.Sandbox) {
	if w.resized == nil && len(sandboxes) > 0 {
		if kept := remembered(sandboxes[0].Annotations); kept != nil {
			w.allocated = kept
		}
	}
	if w.allocated == nil {
		w.allocated = allocationOf(&w.pod.Spec)
	}
}

// given returns the pod with what it was allocated.
func (w *worker) given() (pod *corev1.Pod, asSpecified bool) {
	if w.allocated == nil {
		return w.pod, true
	}
	return w.allocated.of(w.pod)
}

// refused says why the pod cannot have what its spec asks for by now; nil if it can. The lock is held.
func (l *Loop) refused(uid types.UID) *status.Failure {
	var all []contender
	for _, w := range l.workers {
		if !w.takesRoom() {
			continue
		}
		given, asSpecified := w.given()
		given = withStatus(given, w.memory.Status)
		c := contender{wanted: given, allocated: given}
		if !asSpecified {
			c.wanted = withStatus(w.pod, w.memory.Status)
		}
		all = append(all, c)
	}
	return refusal(uid, all, l.Admit, l.Infeasible)
}

// withStatus returns the pod with the status that was computed last, which tells what its containers really have.
func withStatus(pod *corev1.Pod, computed *corev1.PodStatus) *corev1.Pod {
	if computed == nil {
		return pod
	}
	copied := *pod
	copied.Status = *computed
	return &copied
}

// allocate gives a pod what its spec asks for, unless there is no room any more, and returns the pod if it did.
func (l *Loop) allocate(uid types.UID) (*corev1.Pod, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.workers[uid]
	if w == nil || l.refused(uid) != nil {
		return nil, nil
	}
	before, asSpecified := w.given()
	if asSpecified {
		return nil, nil
	}
	next := &checkpoint{Group: cgroups.Of(&before.Spec)}
	if w.resized != nil {
		next = w.resized.copy()
	}
	next.Allocated, next.Generation = allocationOf(&w.pod.Spec), w.pod.Generation
	if err := l.Host.WriteCheckpoint(w.pod, next.encode()); err != nil {
		return nil, err
	}
	w.allocated, w.resized = next.Allocated, next
	w.memory.ResizeFailed = ResizeFailure{}
	w.memory.Stale = w.memory.Stale || refreshable(&w.pod.Spec) // files may tell of requests and limits
	return w.pod, nil
}

// keep keeps how far a resize has come: a change of what was kept last, by this pass or another one, and not of what the pass has seen. A
// pod of which nothing was kept begins with first.
func (l *Loop) keep(pod *corev1.Pod, first *checkpoint, change func(kept *checkpoint)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.workers[pod.UID]
	if w == nil {
		return nil
	}
	kept := first
	if w.resized != nil {
		kept = w.resized.copy()
	}
	change(kept)
	if err := l.Host.WriteCheckpoint(pod, kept.encode()); err != nil {
		return fmt.Errorf("keeping how far the resize of pod %s has come: %w", nameOf(pod), err)
	}
	w.resized = kept
	return nil
}

// wakePending looks again at the pods that wait for room: for a resize, or to start in the place of others.
func (l *Loop) wakePending() {
	l.mu.Lock()
	var pending []types.UID
	for uid, w := range l.workers {
		if _, asSpecified := w.given(); !asSpecified || len(w.awaits) > 0 {
			pending = append(pending, uid)
		}
	}
	l.mu.Unlock()
	for _, uid := range pending {
		l.Wake(uid)
	}
}
