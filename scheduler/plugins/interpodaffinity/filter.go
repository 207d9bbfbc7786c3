package interpodaffinity

import (
	"context"
	"fmt"
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
	*demands
	trials trials
}

// demands is what the pod requires of others, others of it, and how much of that there is by domain.
type demands struct {
	snapshot     *topologycount.Snapshot
	pod          *corev1.Pod
	namespace    labels.Set // of the pod
	affinity     []fwk.AffinityTerm
	antiAffinity []fwk.AffinityTerm
	// wanted are the pods that match all terms of affinity, by the topology key of each term.
	wanted []*topologycount.Count
	// unwanted are the pods that match each term of antiAffinity.
	unwanted []*topologycount.Count
	// unwelcoming are the terms of pods on nodes that match the pod, by topology key.
	unwelcoming []topologycount.TermCount
	// startsGroup says that the pod matches its own affinity.
	startsGroup bool
	// populated is the number of domains, over all of wanted, that have a pod.
	populated int
}

// Clone returns a copy that can be changed on its own.
func (f *filtering) Clone() fwk.StateData {
	return &filtering{demands: f.demands, trials: slices.Clone(f.trials)}
}

// PreFilter counts the pods that matter. Where neither the pod nor those on nodes demand anything, there is nothing to
// filter.
func (p *Plugin) PreFilter(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	terms, err := parse(pod)
	if err != nil {
		return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, fmt.Sprintf("parsing pod: %+v", err))
	}
	unwelcoming, err := p.counts.Nodes().HavePodsWithRequiredAntiAffinityList()
	if err != nil {
		return nil, fwk.AsStatus(fmt.Errorf("listing nodes with required anti-affinity: %w", err))
	}
	if len(terms.affinity) == 0 && len(terms.antiAffinity) == 0 && len(unwelcoming) == 0 {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	demands, err := p.demands(ctx, pod, terms)
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	if len(terms.affinity) == 0 && len(terms.antiAffinity) == 0 && len(demands.unwelcoming) == 0 {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	state.Write(filterKey, &filtering{demands: demands})
	return nil, nil
}

func (p *Plugin) demands(ctx context.Context, pod *corev1.Pod, terms *terms) (*demands, error) {
	if err := p.resolveAll(terms.affinity); err != nil {
		return nil, err
	}
	if err := p.resolveAll(terms.antiAffinity); err != nil {
		return nil, err
	}
	snapshot, err := p.counts.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	d := &demands{
		snapshot: snapshot, pod: pod, namespace: p.namespaceLabels(pod.Namespace),
		affinity: terms.affinity, antiAffinity: terms.antiAffinity, startsGroup: matchesAll(terms.affinity, pod),
	}
	for _, term := range d.affinity {
		count, err := snapshot.Count(matchingPods(d.affinity, term.TopologyKey))
		if err != nil {
			return nil, err
		}
		d.wanted = append(d.wanted, count)
		d.populated += count.Domains
	}
	for i, term := range d.antiAffinity {
		count, err := snapshot.Count(matchingPods(d.antiAffinity[i:i+1:i+1], term.TopologyKey))
		if err != nil {
			return nil, err
		}
		d.unwanted = append(d.unwanted, count)
	}
	d.unwelcoming, err = snapshot.Terms(topologycount.RequiredAntiAffinity, pod, d.namespace)
	return d, err
}

// Filter refuses a node where a pod that is wanted is missing, or one is that is not wanted or does not want the pod.
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
	{Code: fwk.UnschedulableAndUnresolvable, Reason: reasonAffinity},
	{Code: fwk.Unschedulable, Reason: reasonAntiAffinity},
	{Code: fwk.Unschedulable, Reason: reasonExistingAntiAffinity},
}

// filter returns which of the refusals applies to a node, counted from 1, or 0 where the node will do.
func (f *filtering) filter(ref topologycount.NodeRef, node fwk.NodeInfo) uint8 {
	switch {
	case !f.wants(ref, node):
		return 1
	case f.shuns(ref, node):
		return 2
	case f.isShunned(ref, node):
		return 3
	}
	return 0
}

// wants reports whether the node's domains have what the pod's affinity requires.
func (f *filtering) wants(ref topologycount.NodeRef, node fwk.NodeInfo) bool {
	present := true
	for i, count := range f.wanted {
		sum, inside := count.At(ref)
		if !inside {
			return false // Also the first pod of a group has to be where the second can follow.
		}
		if f.trials != nil {
			sum += f.trials.of(wanted, f.affinity[i].TopologyKey, node.Node())
		}
		present = present && sum > 0
	}
	return present || f.startsGroup && f.nowhereWanted()
}

// nowhereWanted reports whether no node with one of the topology keys has a pod that the affinity wants.
func (f *filtering) nowhereWanted() bool {
	populated := f.populated
	for i, count := range f.wanted {
		populated += f.trials.populated(wanted, f.affinity[i].TopologyKey, count)
	}
	return populated == 0
}

// shuns reports whether a domain of the node has a pod that the pod's anti-affinity refuses.
func (f *filtering) shuns(ref topologycount.NodeRef, node fwk.NodeInfo) bool {
	for i, count := range f.unwanted {
		sum, inside := count.At(ref)
		if inside && f.trials != nil {
			sum += f.trials.ofTerm(unwanted, i, f.antiAffinity[i].TopologyKey, node.Node())
		}
		if sum > 0 {
			return true
		}
	}
	return false
}

// isShunned reports whether a domain of the node has a pod whose anti-affinity refuses the pod.
func (f *filtering) isShunned(ref topologycount.NodeRef, node fwk.NodeInfo) bool {
	if f.trials == nil {
		for i := range f.unwelcoming {
			if sum, _ := f.unwelcoming[i].At(ref); sum > 0 {
				return true
			}
		}
		return false
	}
	sums := map[string]int64{}
	for i := range f.unwelcoming {
		sums[f.unwelcoming[i].Key], _ = f.unwelcoming[i].At(ref)
	}
	for _, key := range f.trials.keys(unwelcoming) {
		sums[key] += f.trials.of(unwelcoming, key, node.Node())
	}
	for _, sum := range sums {
		if sum > 0 {
			return true
		}
	}
	return false
}
