package framework

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/metrics"
)

// maxPermitWait is the longest that a plugin can keep a pod waiting.
const maxPermitWait = 15 * time.Minute

// RunPermitPlugins asks the plugins whether the pod may be bound. When some say Wait and none says no, the pod is put
// among the waiting ones, the status is Wait, and WaitOnPermit returns their decision.
func (f *Framework) RunPermitPlugins(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, node string) (status *fwk.Status) {
	defer f.timed(Permit, &status)()
	waits := map[string]time.Duration{}
	var waiting *fwk.Status
	for _, plugin := range f.permit {
		name := plugin.Name()
		var timeout time.Duration
		status := call(ctx, state, Permit, plugin, func() (s *fwk.Status) {
			s, timeout = plugin.Permit(ctx, state, pod, node)
			return s
		})
		switch {
		case status.IsSuccess():
		case status.IsRejected():
			return status.WithPlugin(name)
		case status.IsWait():
			waits[name] = min(timeout, maxPermitWait)
			waiting = status
		default:
			return fwk.AsStatus(fmt.Errorf("running Permit plugin %q: %w", name, status.AsError())).WithPlugin(name)
		}
	}
	if waiting == nil {
		return nil
	}
	waiting.AppendReason("one or more plugins asked to wait and no plugin rejected pod")
	f.waiting.add(pod, waits)
	return waiting
}

// WillWaitOnPermit reports whether WaitOnPermit has something to wait for.
func (f *Framework) WillWaitOnPermit(pod *corev1.Pod) bool { return f.waiting.get(pod.UID) != nil }

// WaitOnPermit returns once every plugin that asked to wait has allowed the pod, or one has refused it or run out of
// time. A cancelled context ends the wait with an error.
func (f *Framework) WaitOnPermit(ctx context.Context, pod *corev1.Pod) *fwk.Status {
	waiting := f.waiting.get(pod.UID)
	if waiting == nil {
		return nil
	}
	defer f.waiting.remove(pod.UID)
	start := f.env.Clock.Now()
	status := waiting.wait(ctx)
	metrics.PermitWaitDuration.WithLabelValues(status.Code().String()).Observe(f.env.Clock.Since(start).Seconds())
	if status.IsSuccess() || status.IsRejected() {
		return status
	}
	return fwk.AsStatus(fmt.Errorf("waiting on permit for pod: %w", status.AsError())).WithPlugin(status.Plugin())
}

// IterateOverWaitingPods calls the function for each waiting pod.
func (f *Framework) IterateOverWaitingPods(visit func(fwk.WaitingPod)) {
	for _, waiting := range f.waiting.list() {
		visit(waiting)
	}
}

// GetWaitingPod returns the waiting pod with the UID, or nil.
func (f *Framework) GetWaitingPod(uid types.UID) fwk.WaitingPod {
	if waiting := f.waiting.get(uid); waiting != nil {
		return waiting
	}
	return nil // A nil *waitingPod would not be a nil interface.
}

// RejectWaitingPod refuses a waiting pod; it reports whether the pod was waiting.
func (f *Framework) RejectWaitingPod(uid types.UID) bool {
	waiting := f.waiting.get(uid)
	return waiting != nil && waiting.Reject("", "removed")
}
