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
	status, _ := f.runFilters(ctx, state, pod, node, f.filtersFor(state).all)
	return status
}

// runFilters returns what the first plugin says that refuses, and its position among all filters.
func (f *Framework) runFilters(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, node fwk.NodeInfo, steps []filterStep) (
	*fwk.Status, int,
) {
	status, last := tryFilters(ctx, state, pod, node, steps)
	if status.IsSuccess() {
		return nil, len(f.filter)
	}
	name := steps[last].name
	if !status.IsRejected() {
		status = fwk.AsStatus(fmt.Errorf("running %q filter plugin: %w", name, status.AsError()))
	}
	return status.WithPlugin(name), steps[last].position
}

// tryFilters runs up to the first step whose plugin does not succeed, and guards them all at once: this is the innermost
// loop of scheduling.
func tryFilters(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, node fwk.NodeInfo, steps []filterStep) (status *fwk.Status, last int) {
	if state.ShouldRecordPluginMetrics() {
		return measureFilters(ctx, state, pod, node, steps)
	}
	var running string
	defer recovered(ctx, Filter, &running, &status)
	for last = range steps {
		running = steps[last].name
		if status = steps[last].plugin.Filter(ctx, state, pod, node); !status.IsSuccess() {
			return status, last
		}
	}
	return nil, last
}

func measureFilters(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, node fwk.NodeInfo, steps []filterStep) (status *fwk.Status, last int) {
	for last, step := range steps {
		status := call(ctx, state, Filter, step.plugin, func() *fwk.Status { return step.plugin.Filter(ctx, state, pod, node) })
		if !status.IsSuccess() {
			return status, last
		}
	}
	return nil, 0
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
