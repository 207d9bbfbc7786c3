package framework

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
)

// RunPreFilterPlugins runs PreFilter. It returns the nodes that may fit at all (nil: any), and which plugins narrowed
// them.
//
// Skip switches the plugin's Filter off for this pod. UnschedulableAndUnresolvable ends the point at once; Unschedulable
// lets the others run first, because preemption needs what they write. Any other status is an error.
func (f *Framework) RunPreFilterPlugins(ctx context.Context, state fwk.CycleState, pod *corev1.Pod) (
	result *fwk.PreFilterResult, status *fwk.Status, narrowing sets.Set[string],
) {
	defer f.timed(PreFilter, &status)()
	skipped := sets.New[string]()
	own, _ := state.(*CycleState)
	defer func() {
		state.SetSkipFilterPlugins(skipped)
		if own != nil {
			own.filters = f.filtersWithout(skipped)
		}
	}()
	nodes, err := f.env.Snapshot.NodeInfos().List()
	if err != nil {
		return nil, fwk.AsStatus(fmt.Errorf("getting all nodes: %w", err)), nil
	}
	narrowing = sets.New[string]()
	var rejected *fwk.Status
	for _, plugin := range f.preFilter {
		name := plugin.Name()
		if own.knows(plugin) {
			if own.class.skipFilter.Has(name) {
				skipped.Insert(name)
			} else {
				f.evaluated(PreFilter, name, nil)
			}
			continue
		}
		var nodesOf *fwk.PreFilterResult
		status := call(ctx, state, PreFilter, plugin, func() (s *fwk.Status) {
			nodesOf, s = plugin.PreFilter(ctx, state, pod, nodes)
			return s
		})
		f.evaluated(PreFilter, name, status)
		switch {
		case status.IsSkip():
			skipped.Insert(name)
			continue
		case status.Code() == fwk.UnschedulableAndUnresolvable:
			return nil, status.WithPlugin(name), nil
		case status.Code() == fwk.Unschedulable:
			rejected = status.WithPlugin(name)
			continue
		case !status.IsSuccess():
			err := fmt.Errorf("running PreFilter plugin %q: %w", name, status.AsError())
			return nil, fwk.AsStatus(err).WithPlugin(name), nil
		}
		if !nodesOf.AllNodes() {
			narrowing.Insert(name)
		}
		result = result.Merge(nodesOf)
		if !result.AllNodes() && len(result.NodeNames) == 0 {
			return result, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, noNodeLeft(narrowing)), narrowing
		}
	}
	return result, rejected, narrowing
}

func noNodeLeft(plugins sets.Set[string]) string {
	names := sets.List(plugins)
	if len(names) == 1 {
		return fmt.Sprintf("node(s) didn't satisfy plugin %v", names[0])
	}
	return fmt.Sprintf("node(s) didn't satisfy plugin(s) %v simultaneously", names)
}

// RunPreFilterExtensionAddPod tells the plugins to count a pod as being on the node.
func (f *Framework) RunPreFilterExtensionAddPod(ctx context.Context, state fwk.CycleState, pod *corev1.Pod,
	added fwk.PodInfo, node fwk.NodeInfo,
) *fwk.Status {
	return f.runExtensions(ctx, state, AddPod, "AddPod", func(extensions fwk.PreFilterExtensions) *fwk.Status {
		return extensions.AddPod(ctx, state, pod, added, node)
	})
}

// RunPreFilterExtensionRemovePod tells the plugins to count a pod as not being on the node.
func (f *Framework) RunPreFilterExtensionRemovePod(ctx context.Context, state fwk.CycleState, pod *corev1.Pod,
	removed fwk.PodInfo, node fwk.NodeInfo,
) *fwk.Status {
	return f.runExtensions(ctx, state, RemovePod, "RemovePod", func(extensions fwk.PreFilterExtensions) *fwk.Status {
		return extensions.RemovePod(ctx, state, pod, removed, node)
	})
}

func (f *Framework) runExtensions(ctx context.Context, state fwk.CycleState, point, method string,
	run func(fwk.PreFilterExtensions) *fwk.Status,
) *fwk.Status {
	for _, plugin := range f.preFilter {
		if state.GetSkipFilterPlugins().Has(plugin.Name()) {
			continue
		}
		extensions := plugin.PreFilterExtensions()
		if extensions == nil {
			continue
		}
		status := call(ctx, state, point, plugin, func() *fwk.Status { return run(extensions) })
		if !status.IsSuccess() {
			return fwk.AsStatus(fmt.Errorf("running %s on PreFilter plugin %q: %w", method, plugin.Name(), status.AsError()))
		}
	}
	return nil
}
