package framework

import (
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
)

// Examination is what every plugin says of a pod and of each node. Unlike a search for a node it does not stop at the first
// plugin that refuses.
type Examination struct {
	// Refusals are by node, in the order of the plugins. A node that fits has none. One by a plugin that broke is an Error.
	Refusals map[string][]*fwk.Status
	// Feasible are the nodes that fit.
	Feasible []fwk.NodeInfo
}

// Examine asks every PreFilter and Filter plugin about every one of the nodes. What the plugins write goes to state, which
// has to be new.
func (f *Framework) Examine(ctx context.Context, state *CycleState, pod *corev1.Pod, nodes []fwk.NodeInfo) (*Examination, error) {
	all, err := f.env.Snapshot.NodeInfos().List()
	if err != nil {
		return nil, fmt.Errorf("examining pod %s/%s: getting all nodes: %w", pod.Namespace, pod.Name, err)
	}
	everywhere, elsewhere := f.examinePreFilter(ctx, state, pod, all)
	refusals := make([][]*fwk.Status, len(nodes))
	f.parallel.Until(ctx, len(nodes), func(i int) {
		refusals[i] = slices.Clone(everywhere)
		for _, narrowing := range elsewhere {
			if !narrowing.nodes.NodeNames.Has(nodes[i].Node().Name) {
				refusals[i] = append(refusals[i], narrowing.status)
			}
		}
		refusals[i] = append(refusals[i], f.examineFilter(ctx, state, pod, nodes[i])...)
	}, Filter)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("examining pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	result := &Examination{Refusals: map[string][]*fwk.Status{}}
	for i, node := range nodes {
		if len(refusals[i]) == 0 {
			result.Feasible = append(result.Feasible, node)
			continue
		}
		result.Refusals[node.Node().Name] = refusals[i]
	}
	return result, nil
}

// narrowed are the only nodes that a PreFilter plugin leaves, and what it says of the others.
type narrowed struct {
	nodes  *fwk.PreFilterResult
	status *fwk.Status
}

// examinePreFilter runs PreFilter of each plugin. It returns what is said of all nodes, and of all but some.
func (f *Framework) examinePreFilter(ctx context.Context, state *CycleState, pod *corev1.Pod, nodes []fwk.NodeInfo) (
	everywhere []*fwk.Status, elsewhere []narrowed,
) {
	skipped := sets.New[string]()
	for _, plugin := range f.preFilter {
		name := plugin.Name()
		var nodesOf *fwk.PreFilterResult
		status := call(ctx, state, PreFilter, plugin, func() (s *fwk.Status) {
			nodesOf, s = plugin.PreFilter(ctx, state, pod, nodes)
			return s
		})
		if !status.IsSuccess() {
			skipped.Insert(name) // Without what PreFilter prepares, Filter has nothing to go by.
			if !status.IsSkip() {
				everywhere = append(everywhere, status.WithPlugin(name))
			}
			continue
		}
		if !nodesOf.AllNodes() {
			status := fwk.NewStatus(fwk.UnschedulableAndUnresolvable, fmt.Sprintf("node(s) didn't satisfy plugin %v", name))
			elsewhere = append(elsewhere, narrowed{nodesOf, status.WithPlugin(name)})
		}
	}
	state.SetSkipFilterPlugins(skipped)
	return everywhere, elsewhere
}

// examineFilter runs Filter of each plugin on a node, with and without the pods that are nominated to it.
func (f *Framework) examineFilter(ctx context.Context, state *CycleState, pod *corev1.Pod, node fwk.NodeInfo) []*fwk.Status {
	withState, withNode, added, err := f.addNominated(ctx, state, pod, node)
	if err != nil {
		return []*fwk.Status{fwk.AsStatus(err)}
	}
	var refusals []*fwk.Status
	for _, plugin := range f.filter {
		name := plugin.Name()
		if state.GetSkipFilterPlugins().Has(name) {
			continue
		}
		status := call(ctx, state, Filter, plugin, func() *fwk.Status { return plugin.Filter(ctx, state, pod, node) })
		if status.IsSuccess() && added {
			status = call(ctx, state, Filter, plugin, func() *fwk.Status { return plugin.Filter(ctx, withState, pod, withNode) })
		}
		if !status.IsSuccess() {
			refusals = append(refusals, status.WithPlugin(name))
		}
	}
	return refusals
}

// Fits reports whether a pod that was examined with state would fit on a node without some of the pods there.
func (f *Framework) Fits(ctx context.Context, state *CycleState, pod *corev1.Pod, node fwk.NodeInfo, without []fwk.PodInfo) bool {
	copied := state.Clone()
	node = node.Snapshot()
	for _, gone := range without {
		if err := node.RemovePod(klog.FromContext(ctx), gone.GetPod()); err != nil {
			return false
		}
		if !f.RunPreFilterExtensionRemovePod(ctx, copied, pod, gone, node).IsSuccess() {
			return false
		}
	}
	return f.RunFilterPluginsWithNominatedPods(ctx, copied, pod, node).IsSuccess()
}

// Weights returns the weight of each plugin that scores.
func (f *Framework) Weights() map[string]int64 { return maps.Clone(f.weights) }
