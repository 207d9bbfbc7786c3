package framework

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
)

// RunPreBindPreFlights asks which PreBind plugins have something to do for the pod. Skip means none has.
func (f *Framework) RunPreBindPreFlights(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, node string) (status *fwk.Status) {
	if len(f.preBind) == 0 {
		return fwk.NewStatus(fwk.Skip)
	}
	defer f.timed(PreFlight, &status)()
	skipped, parallel := sets.New[string](), sets.New[string]()
	overall := fwk.NewStatus(fwk.Skip)
	for _, plugin := range f.preBind {
		name := plugin.Name()
		var result *fwk.PreBindPreFlightResult
		status := call(ctx, state, PreFlight, plugin, func() (s *fwk.Status) {
			result, s = plugin.PreBindPreFlight(ctx, state, pod, node)
			return s
		})
		if result != nil && result.AllowParallel {
			parallel.Insert(name)
		}
		switch {
		case status.IsSuccess():
			overall = nil
		case status.IsSkip():
			skipped.Insert(name)
		case status.IsError():
			return fwk.AsStatus(fmt.Errorf("running PreBindPreFlight %q: %w", name, status.AsError()))
		default:
			return fwk.AsStatus(fmt.Errorf("PreBindPreFlight %s returned %q, which is unsupported. It is supposed to return Success, Skip, or Error status", name, status.Code()))
		}
	}
	state.SetSkipPreBindPlugins(skipped)
	state.SetParallelPreBindPlugins(parallel)
	return overall
}

// RunPreBindPlugins does what has to be done before a pod is bound. Neighbours that allow it run side by side.
func (f *Framework) RunPreBindPlugins(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, node string) (status *fwk.Status) {
	defer f.timed(PreBind, &status)()
	for _, group := range f.preBindGroups(state) {
		if status := f.runPreBindGroup(ctx, state, pod, node, group); !status.IsSuccess() {
			return status
		}
	}
	return nil
}

// preBindGroups splits the plugins into runs of those that may run side by side. One that may not ends a run, even when
// it is skipped.
func (f *Framework) preBindGroups(state fwk.CycleState) [][]fwk.PreBindPlugin {
	skipped, parallel := state.GetSkipPreBindPlugins(), state.GetParallelPreBindPlugins()
	var groups [][]fwk.PreBindPlugin
	open := false
	for _, plugin := range f.preBind {
		name := plugin.Name()
		switch {
		case skipped.Has(name):
			open = open && parallel.Has(name)
		case open && parallel.Has(name):
			groups[len(groups)-1] = append(groups[len(groups)-1], plugin)
		default:
			groups = append(groups, []fwk.PreBindPlugin{plugin})
			open = parallel.Has(name)
		}
	}
	return groups
}

func (f *Framework) runPreBindGroup(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, node string, group []fwk.PreBindPlugin) *fwk.Status {
	if len(group) == 1 {
		return f.runPreBind(ctx, state, pod, node, group[0])
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(errors.New("PreBind has ended"))
	failed := make(chan *fwk.Status, len(group))
	f.parallel.Until(ctx, len(group), func(i int) {
		if status := f.runPreBind(ctx, state, pod, node, group[i]); !status.IsSuccess() {
			failed <- status
			cancel(errors.New("some other PreBind operation failed"))
		}
	}, PreBind)
	select {
	case status := <-failed:
		return status
	default:
		return nil
	}
}

func (f *Framework) runPreBind(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, node string, plugin fwk.PreBindPlugin) *fwk.Status {
	status := call(ctx, state, PreBind, plugin, func() *fwk.Status { return plugin.PreBind(ctx, state, pod, node) })
	if status.IsSuccess() {
		return nil
	}
	if status.IsRejected() {
		return status.WithPlugin(plugin.Name())
	}
	err := status.AsError()
	if errors.Is(err, context.Canceled) {
		err = context.Cause(ctx)
	}
	return fwk.AsStatus(fmt.Errorf("running PreBind plugin %q: %w", plugin.Name(), err))
}

// RunBindPlugins lets the plugins bind the pod, up to the first that does not skip it. Skip means that all did.
func (f *Framework) RunBindPlugins(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, node string) (status *fwk.Status) {
	defer f.timed(Bind, &status)()
	for _, plugin := range f.bind {
		status = call(ctx, state, Bind, plugin, func() *fwk.Status { return plugin.Bind(ctx, state, pod, node) })
		switch {
		case status.IsSkip():
			continue
		case status.IsSuccess():
			return status
		case status.IsRejected():
			return status.WithPlugin(plugin.Name())
		}
		return fwk.AsStatus(fmt.Errorf("running Bind plugin %q: %w", plugin.Name(), status.AsError()))
	}
	if status == nil {
		status = fwk.NewStatus(fwk.Skip)
	}
	return status
}

// RunPostBindPlugins tells the plugins that the pod is bound.
func (f *Framework) RunPostBindPlugins(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, node string) {
	var status *fwk.Status
	defer f.timed(PostBind, &status)()
	for _, plugin := range f.postBind {
		status := call(ctx, state, PostBind, plugin, func() *fwk.Status {
			plugin.PostBind(ctx, state, pod, node)
			return nil
		})
		if !status.IsSuccess() {
			klog.FromContext(ctx).Error(status.AsError(), "PostBind ended early in one plugin; the others go on",
				"plugin", plugin.Name(), "pod", klog.KObj(pod), "node", node)
		}
	}
}
