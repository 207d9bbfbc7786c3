package nodeaffinity

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	fwk "k8s.io/kube-scheduler/framework"
)

const requiredKey fwk.StateKey = "PreFilter" + Name

// required is what a pod demands of a node.
type required struct {
	nodeaffinity.RequiredNodeAffinity
}

// Clone returns the same: nothing changes it.
func (r required) Clone() fwk.StateData { return r }

// PreFilter parses what the pod demands, and narrows the search where it can only be met by certain nodes.
func (p *Plugin) PreFilter(_ context.Context, state fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	terms := requiredTerms(pod)
	if terms == nil && pod.Spec.NodeSelector == nil && p.addedRequired == nil {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	state.Write(requiredKey, required{nodeaffinity.GetRequiredNodeAffinity(pod)})
	if terms == nil || len(terms.NodeSelectorTerms) == 0 {
		return nil, nil
	}
	names, narrowed := namedNodes(terms.NodeSelectorTerms)
	switch {
	case !narrowed:
		return nil, nil
	case len(names) == 0:
		return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, reasonConflict)
	}
	return &fwk.PreFilterResult{NodeNames: names}, nil
}

func requiredTerms(pod *corev1.Pod) *corev1.NodeSelector {
	if pod.Spec.Affinity == nil || pod.Spec.Affinity.NodeAffinity == nil {
		return nil
	}
	return pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
}

// namedNodes returns the nodes that the terms name by metadata.name. Terms are alternatives: when one of them names no
// node, any node may do. Within a term all requirements have to hold.
func namedNodes(terms []corev1.NodeSelectorTerm) (names sets.Set[string], narrowed bool) {
	names = sets.New[string]()
	for _, term := range terms {
		var ofTerm sets.Set[string]
		for _, field := range term.MatchFields {
			if field.Key != metav1.ObjectNameField || field.Operator != corev1.NodeSelectorOpIn {
				continue
			}
			if ofTerm == nil {
				ofTerm = sets.New(field.Values...)
			} else {
				ofTerm = ofTerm.Intersection(sets.New(field.Values...))
			}
		}
		if ofTerm == nil {
			return nil, false
		}
		names = names.Union(ofTerm)
	}
	return names, true
}

// PreFilterExtensions returns nil: other pods do not matter.
func (*Plugin) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

// Filter refuses a node that the profile's or the pod's demands do not match.
func (p *Plugin) Filter(_ context.Context, state fwk.CycleState, pod *corev1.Pod, node fwk.NodeInfo) *fwk.Status {
	if p.addedRequired != nil && !p.addedRequired.Match(node.Node()) {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, reasonEnforced)
	}
	demand := required{}
	if value, err := state.Read(requiredKey); err == nil {
		demand = value.(required)
	} else { // PreFilter is switched off in the profile.
		demand = required{nodeaffinity.GetRequiredNodeAffinity(pod)}
	}
	// A term that cannot be parsed matches nothing; the API server let the pod through, and others may match.
	if matches, _ := demand.Match(node.Node()); !matches {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, reasonPod)
	}
	return nil
}
