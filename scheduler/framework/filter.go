package framework

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"
	fwk "k8s.io/kube-scheduler/framework"
)

// RunFilterPlugins asks the plugins in order whether the pod can run on the node, up to the first that says no.
func (f *Framework) RunFilterPlugins(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, node fwk.NodeInfo) *fwk.Status {
	skipped := state.GetSkipFilterPlugins()
	for _, plugin := range f.filter {
		name := plugin.Name()
		if skipped.Has(name) {
			continue
		}
		status := call(ctx, state, Filter, plugin, func() *fwk.Status { return plugin.Filter(ctx, state, pod, node) })
		if status.IsSuccess() {
			continue
		}
		if !status.IsRejected() {
			status = fwk.AsStatus(fmt.Errorf("running %q filter plugin: %w", name, status.AsError()))
		}
		return status.WithPlugin(name)
	}
	return nil
}

// RunFilterPluginsWithNominatedPods filters a node that other pods of the same or higher priority are meant for: the
// pod has to fit with them, and (since a filter such as pod affinity may only pass because of them) without them.
func (f *Framework) RunFilterPluginsWithNominatedPods(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, node fwk.NodeInfo) *fwk.Status {
	withState, withNode, added, err := f.addNominated(ctx, state, pod, node)
	if err != nil {
		return fwk.AsStatus(err)
	}
	if added {
		if status := f.RunFilterPlugins(ctx, withState, pod, withNode); !status.IsSuccess() {
			return status
		}
	}
	return f.RunFilterPlugins(ctx, state, pod, node)
}

func (f *Framework) addNominated(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, node fwk.NodeInfo) (
	fwk.CycleState, fwk.NodeInfo, bool, error,
) {
	var before []fwk.PodInfo
	for _, nominated := range f.NominatedPodsForNode(node.Node().Name) {
		other := nominated.GetPod()
		if other.UID != pod.UID && schedulinghelpers.PodPriority(other) >= schedulinghelpers.PodPriority(pod) {
			before = append(before, nominated)
		}
	}
	if len(before) == 0 {
		return state, node, false, nil
	}
	state, node = state.Clone(), node.Snapshot()
	for _, nominated := range before {
		node.AddPodInfo(nominated)
		if status := f.RunPreFilterExtensionAddPod(ctx, state, pod, nominated, node); !status.IsSuccess() {
			return nil, nil, false, status.AsError()
		}
	}
	return state, node, true, nil
}

// RunPostFilterPlugins runs the plugins that may still help a pod that fits nowhere, up to the first which says that it
// did (Success), that nobody can (UnschedulableAndUnresolvable) or that it broke (anything but Unschedulable).
func (f *Framework) RunPostFilterPlugins(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, nodes fwk.NodeToStatusReader) (
	result *fwk.PostFilterResult, status *fwk.Status,
) {
	defer f.timed(PostFilter, &status)()
	if state.ShouldSkipAllPostFilterPlugins() {
		return nil, fwk.NewStatus(fwk.Unschedulable, "All PostFilter plugins are skipped")
	}
	var reasons []string
	var rejector string
	for _, plugin := range f.postFilter {
		name := plugin.Name()
		var own *fwk.PostFilterResult
		status := call(ctx, state, PostFilter, plugin, func() (s *fwk.Status) {
			own, s = plugin.PostFilter(ctx, state, pod, nodes)
			return s
		})
		switch {
		case status.IsSuccess():
			return own, status
		case status.Code() == fwk.UnschedulableAndUnresolvable:
			return own, status.WithPlugin(name)
		case !status.IsRejected():
			return nil, fwk.AsStatus(status.AsError()).WithPlugin(name)
		case own != nil && own.Mode() != fwk.ModeNoop:
			result = own
		}
		reasons = append(reasons, status.Reasons()...)
		if rejector == "" {
			rejector = name
		}
	}
	return result, fwk.NewStatus(fwk.Unschedulable, reasons...).WithPlugin(rejector)
}
