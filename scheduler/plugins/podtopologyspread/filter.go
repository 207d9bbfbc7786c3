package podtopologyspread

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/topologycount"
)

const filterKey fwk.StateKey = "PreFilter" + Name

// filtering is what Filter needs to know. Only trials changes, by AddPod and RemovePod.
type filtering struct {
	snapshot  *topologycount.Snapshot
	spreading *spreading
	hard      []hard
	trials    []trial
}

// hard is a constraint with DoNotSchedule.
type hard struct {
	constraint
	*topologycount.Count
	// self is 1 when the pod itself matches.
	self int64
	// fewest is the number of pods in the domain with the fewest, before any trial.
	fewest int64
}

// trial is by how much AddPod and RemovePod changed the count of one domain.
type trial struct {
	constraint int
	value      string
	by         int64
}

// Clone returns a copy that can be changed on its own.
func (f *filtering) Clone() fwk.StateData {
	copied := *f
	copied.trials = slices.Clone(f.trials)
	return &copied
}

// PreFilter counts the pods that the pod must be spread with. Without such constraints there is nothing to filter.
func (p *Plugin) PreFilter(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	constraints, err := p.constraints(pod, corev1.DoNotSchedule)
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	if len(constraints) == 0 {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	f, err := p.filtering(ctx, pod, constraints)
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	state.Write(filterKey, f)
	return nil, nil
}

func (p *Plugin) filtering(ctx context.Context, pod *corev1.Pod, constraints []constraint) (*filtering, error) {
	spreading, err := newSpreading(pod, constraints, true)
	if err != nil {
		return nil, err
	}
	snapshot, err := p.counts.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	f := &filtering{snapshot: snapshot, spreading: spreading, hard: make([]hard, len(constraints))}
	for i := range constraints {
		h := &f.hard[i]
		h.constraint = constraints[i]
		h.Count, err = snapshot.Count(spreading.matchingPods(&h.constraint, topologycount.Topology{Key: h.key}))
		if err != nil {
			return nil, err
		}
		if h.selector.Matches(labels.Set(pod.Labels)) {
			h.self = 1
		}
		if h.enoughDomains() {
			h.fewest = h.Lowest()[0].Sum
		}
	}
	return f, nil
}

// enoughDomains reports whether there are as many domains as there should be at least. With fewer, the next one to come
// counts as being there already, without any pod.
func (h *hard) enoughDomains() bool { return h.Domains > 0 && h.Domains >= h.minDomains }

// Filter refuses a node that lacks a topology key, or whose domain would get too many pods.
func (*Plugin) Filter(_ context.Context, state fwk.CycleState, _ *corev1.Pod, node fwk.NodeInfo) *fwk.Status {
	f, err := framework.ReadState[*filtering](state, filterKey)
	if err != nil {
		return fwk.AsStatus(err)
	}
	return refusals.Status(f.filter(f.snapshot.Ref(node), node))
}

// FilterAll is Filter for all nodes.
func (*Plugin) FilterAll(_ context.Context, state fwk.CycleState, _ *corev1.Pod, nodes []fwk.NodeInfo, refused []uint8) ([]*fwk.Status, error) {
	f, err := framework.ReadState[*filtering](state, filterKey)
	if err != nil {
		return nil, err
	}
	f.snapshot.FilterAll(nodes, refused, f.filter)
	return refusals.Statuses(), nil
}

var refusals = topologycount.Refusals{
	{Code: fwk.UnschedulableAndUnresolvable, Reason: reasonMissingLabel},
	{Code: fwk.Unschedulable, Reason: reasonConstraints},
}

// filter returns which of the refusals applies to a node, counted from 1, or 0 where the node will do.
func (f *filtering) filter(ref topologycount.NodeRef, node fwk.NodeInfo) uint8 {
	for i := range f.hard {
		h := &f.hard[i]
		pods, inside := h.At(ref)
		if !inside {
			return 1
		}
		fewest := h.fewest
		if f.trials != nil {
			pods += f.tried(i, node.Node().Labels[h.key])
			fewest = f.fewest(i)
		}
		if pods+h.self-fewest > h.maxSkew {
			return 2
		}
	}
	return 0
}

// PreFilterExtensions returns the plugin itself: other pods matter.
func (p *Plugin) PreFilterExtensions() fwk.PreFilterExtensions { return p }

// AddPod counts a pod as being on the node.
func (*Plugin) AddPod(_ context.Context, state fwk.CycleState, _ *corev1.Pod, added fwk.PodInfo, node fwk.NodeInfo) *fwk.Status {
	return try(state, added.GetPod(), node.Node(), +1)
}

// RemovePod counts a pod as not being on the node.
func (*Plugin) RemovePod(_ context.Context, state fwk.CycleState, _ *corev1.Pod, removed fwk.PodInfo, node fwk.NodeInfo) *fwk.Status {
	return try(state, removed.GetPod(), node.Node(), -1)
}

// try changes the counts by a pod. As in kube-scheduler, it is not looked at whether the pod is being deleted.
func try(state fwk.CycleState, pod *corev1.Pod, node *corev1.Node, by int64) *fwk.Status {
	f, err := framework.ReadState[*filtering](state, filterKey)
	if err != nil {
		return fwk.AsStatus(err)
	}
	if pod.Namespace != f.spreading.namespace || node == nil {
		return nil
	}
	for i := range f.hard {
		h := &f.hard[i]
		if h.selector.Matches(labels.Set(pod.Labels)) && f.spreading.eligible(&h.constraint, node) {
			f.try(i, node.Labels[h.key], by)
		}
	}
	return nil
}

func (f *filtering) try(constraint int, value string, by int64) {
	for i := range f.trials {
		if t := &f.trials[i]; t.constraint == constraint && t.value == value {
			t.by += by
			return
		}
	}
	f.trials = append(f.trials, trial{constraint, value, by})
}

// tried returns by how much trials changed the count of a domain.
func (f *filtering) tried(constraint int, value string) int64 {
	for i := range f.trials {
		if t := &f.trials[i]; t.constraint == constraint && t.value == value {
			return t.by
		}
	}
	return 0
}

// fewest returns the number of pods in the domain with the fewest, after trials.
func (f *filtering) fewest(constraint int) int64 {
	h := &f.hard[constraint]
	if !h.enoughDomains() {
		return 0
	}
	var values []string
	for i := range f.trials {
		if f.trials[i].constraint == constraint {
			values = append(values, f.trials[i].value)
		}
	}
	if values == nil {
		return h.fewest
	}
	fewest, found := h.LowestBut(values...)
	for _, value := range values {
		if pods := h.Of(value) + f.tried(constraint, value); !found || pods < fewest {
			fewest, found = pods, true
		}
	}
	return fewest
}
