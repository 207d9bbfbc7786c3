package framework

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
)

// RunReservePluginsReserve lets the plugins set aside what the pod needs on the node, up to the first that cannot. The
// caller then runs RunReservePluginsUnreserve.
func (f *Framework) RunReservePluginsReserve(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, node string) (status *fwk.Status) {
	defer f.timed(Reserve, &status)()
	for _, plugin := range f.reserve {
		status := call(ctx, state, Reserve, plugin, func() *fwk.Status { return plugin.Reserve(ctx, state, pod, node) })
		if status.IsSuccess() {
			continue
		}
		if status.IsRejected() {
			return status.WithPlugin(plugin.Name())
		}
		return fwk.AsStatus(fmt.Errorf("running Reserve plugin %q: %w", plugin.Name(), status.AsError()))
	}
	return nil
}

// RunReservePluginsUnreserve lets all Reserve plugins give back what they set aside, in reverse order. It runs for those
// too that reserved nothing.
func (f *Framework) RunReservePluginsUnreserve(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, node string) {
	var status *fwk.Status
	defer f.timed(Unreserve, &status)()
	for _, plugin := range slices.Backward(f.reserve) {
		status := call(ctx, state, Unreserve, plugin, func() *fwk.Status {
			plugin.Unreserve(ctx, state, pod, node)
			return nil
		})
		if !status.IsSuccess() {
			klog.FromContext(ctx).Error(status.AsError(), "Unreserving ended early in one plugin; the others go on",
				"plugin", plugin.Name(), "pod", klog.KObj(pod), "node", node)
		}
	}
}
