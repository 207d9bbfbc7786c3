package framework

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/clock"
)

// waitingPods are the pods that a Permit plugin holds.
type waitingPods struct {
	clock clock.WithDelayedExecution
	mutex sync.RWMutex
	pods  map[types.UID]*waitingPod
}

func newWaitingPods(clock clock.WithDelayedExecution) *waitingPods {
	return &waitingPods{clock: clock, pods: map[types.UID]*waitingPod{}}
}

func (w *waitingPods) add(pod *corev1.Pod, waits map[string]time.Duration) {
	waiting := &waitingPod{pod: pod, timers: map[string]clock.Timer{}, decided: make(chan struct{})}
	waiting.mutex.Lock() // A timer that fires at once finds all others in place.
	for plugin, wait := range waits {
		waiting.timers[plugin] = w.clock.AfterFunc(wait, func() {
			// A stepped clock calls this while it holds the lock that stopping the other timers needs.
			go waiting.Reject(plugin, fmt.Sprintf("rejected due to timeout after waiting %v at plugin %v", wait, plugin))
		})
	}
	waiting.mutex.Unlock()
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.pods[pod.UID] = waiting
}

func (w *waitingPods) get(uid types.UID) *waitingPod {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	return w.pods[uid]
}

func (w *waitingPods) list() []*waitingPod {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	return slices.Collect(maps.Values(w.pods))
}

func (w *waitingPods) remove(uid types.UID) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	delete(w.pods, uid)
}

// waitingPod is one of them. The first decision stands.
type waitingPod struct {
	pod     *corev1.Pod
	mutex   sync.Mutex
	timers  map[string]clock.Timer
	decided chan struct{} // closed once status is set
	status  *fwk.Status
	closed  bool
}

var _ fwk.WaitingPod = &waitingPod{}

// GetPod returns the pod.
func (w *waitingPod) GetPod() *corev1.Pod { return w.pod }

// GetPendingPlugins returns the plugins that have not allowed the pod yet.
func (w *waitingPod) GetPendingPlugins() []string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return slices.Collect(maps.Keys(w.timers))
}

// Allow says that a plugin has nothing against the pod any more. When no other is pending, the pod goes on.
func (w *waitingPod) Allow(plugin string) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if timer, pending := w.timers[plugin]; pending {
		timer.Stop()
		delete(w.timers, plugin)
	}
	if len(w.timers) == 0 {
		w.decide(nil)
	}
}

// Reject makes the pod unschedulable; it reports whether nothing was decided before.
func (w *waitingPod) Reject(plugin, reason string) bool {
	return w.stop(fwk.NewStatus(fwk.Unschedulable, reason).WithPlugin(plugin))
}

// Preempt ends the attempt without calling the pod unschedulable; it reports whether nothing was decided before.
func (w *waitingPod) Preempt(plugin, reason string) bool {
	return w.stop(fwk.NewStatus(fwk.Error, reason).WithPlugin(plugin))
}

func (w *waitingPod) stop(status *fwk.Status) bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for _, timer := range w.timers {
		timer.Stop()
	}
	return w.decide(status)
}

func (w *waitingPod) decide(status *fwk.Status) bool {
	if w.closed {
		return false
	}
	w.status, w.closed = status, true
	close(w.decided)
	return true
}

func (w *waitingPod) wait(ctx context.Context) *fwk.Status {
	select {
	case <-w.decided:
	case <-ctx.Done():
		w.stop(fwk.AsStatus(context.Cause(ctx)))
		<-w.decided
	}
	return w.status
}
