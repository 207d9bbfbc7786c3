package podtopologyspread

import (
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/topologycount"
)

const noComparisons = false // Operators Lt and Gt of tolerations are off by default upstream.

// constraint is one of a pod's constraints, parsed and with its defaults.
type constraint struct {
	key            string
	maxSkew        int64
	minDomains     int
	selector       labels.Selector
	honorsAffinity bool
	honorsTaints   bool
}

// constraints returns those of a pod, or of the profile for it, that act in one of the two ways.
func (p *Plugin) constraints(pod *corev1.Pod, action corev1.UnsatisfiableConstraintAction) ([]constraint, error) {
	if own := pod.Spec.TopologySpreadConstraints; len(own) > 0 {
		parsed, err := parse(own, pod, action)
		if err != nil {
			return nil, fmt.Errorf("parsing topology spread constraints of the pod (%s): %w", action, err)
		}
		return parsed, nil
	}
	parsed, err := parse(p.defaults, pod, action)
	if err != nil {
		return nil, fmt.Errorf("parsing default topology spread constraints (%s): %w", action, err)
	}
	if len(parsed) == 0 {
		return nil, nil
	}
	selector := p.owners.selector(pod)
	if selector.Empty() {
		return nil, nil
	}
	for i := range parsed {
		parsed[i].selector = selector
	}
	return parsed, nil
}

func parse(all []corev1.TopologySpreadConstraint, pod *corev1.Pod, action corev1.UnsatisfiableConstraintAction) ([]constraint, error) {
	var parsed []constraint
	for i := range all {
		c := &all[i]
		if c.WhenUnsatisfiable != action {
			continue
		}
		selector, err := metav1.LabelSelectorAsSelector(c.LabelSelector)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, constraint{
			key:            c.TopologyKey,
			maxSkew:        int64(c.MaxSkew),
			minDomains:     int(ptr.Deref(c.MinDomains, 1)),
			selector:       withLabels(selector, pod.Labels, c.MatchLabelKeys),
			honorsAffinity: ptr.Deref(c.NodeAffinityPolicy, corev1.NodeInclusionPolicyHonor) == corev1.NodeInclusionPolicyHonor,
			honorsTaints:   ptr.Deref(c.NodeTaintsPolicy, corev1.NodeInclusionPolicyIgnore) == corev1.NodeInclusionPolicyHonor,
		})
	}
	return parsed, nil
}

// withLabels narrows a selector to the pod's values of the keys that it has. The API server has merged them already, but
// not those of a profile, nor those of pods from before it did.
func withLabels(selector labels.Selector, pod map[string]string, keys []string) labels.Selector {
	own := labels.Set{}
	for _, key := range keys {
		if value, found := pod[key]; found {
			own[key] = value
		}
	}
	requirements, selects := selector.Requirements()
	if len(own) == 0 || !selects {
		return selector
	}
	return own.AsSelector().Add(requirements...)
}

// spreading asks nodes for the pods that constraints are about.
type spreading struct {
	namespace string
	// required are the topology keys without which a node does not count.
	required    []string
	affinity    nodeaffinity.RequiredNodeAffinity
	tolerations []corev1.Toleration
	// The names of affinity and tolerations; empty where the pod has none.
	affinityName, tolerationsName string
}

func newSpreading(pod *corev1.Pod, constraints []constraint, requireKeys bool) (*spreading, error) {
	s := &spreading{namespace: pod.Namespace, affinity: nodeaffinity.GetRequiredNodeAffinity(pod), tolerations: pod.Spec.Tolerations}
	for i := range constraints {
		if requireKeys {
			s.required = append(s.required, constraints[i].key)
		}
		if err := s.name(pod, &constraints[i]); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// name writes down what the constraint honors.
func (s *spreading) name(pod *corev1.Pod, c *constraint) error {
	affinity := pod.Spec.Affinity
	var required *corev1.NodeSelector
	if affinity != nil && affinity.NodeAffinity != nil {
		required = affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	}
	if c.honorsAffinity && s.affinityName == "" && (required != nil || pod.Spec.NodeSelector != nil) {
		name, err := json.Marshal([]any{pod.Spec.NodeSelector, required})
		if err != nil {
			return fmt.Errorf("naming the node affinity of the pod: %w", err)
		}
		s.affinityName = string(name)
	}
	if c.honorsTaints && s.tolerationsName == "" && len(s.tolerations) > 0 {
		name, err := json.Marshal(s.tolerations)
		if err != nil {
			return fmt.Errorf("naming the tolerations of the pod: %w", err)
		}
		s.tolerationsName = string(name)
	}
	return nil
}

// matchingPods asks how many of a node's pods a constraint counts. All nodes that are eligible count, also with none.
func (s *spreading) matchingPods(c *constraint, topology topologycount.Topology) topologycount.Query {
	var name strings.Builder
	fmt.Fprintf(&name, "spread %s %s keys %q", s.namespace, topologycount.SelectorName(c.selector), s.required)
	if c.honorsAffinity {
		fmt.Fprintf(&name, " affinity %s", s.affinityName)
	}
	if c.honorsTaints {
		fmt.Fprintf(&name, " tolerations %s", s.tolerationsName)
	}
	own := *c // The query is kept for longer than what c is part of.
	return topologycount.Query{
		Name:     name.String(),
		Topology: topology,
		Count: func(node fwk.NodeInfo) (int64, bool) {
			if !s.eligible(&own, node.Node()) {
				return 0, false
			}
			return count(node, s.namespace, own.selector), true
		},
	}
}

// matchingPodsOnNode asks the same of every node.
func (s *spreading) matchingPodsOnNode(c *constraint) topologycount.Query {
	namespace, selector := s.namespace, c.selector
	return topologycount.Query{
		Name:     fmt.Sprintf("spread %s %s", namespace, topologycount.SelectorName(selector)),
		Topology: topologycount.Topology{EachNode: true},
		Count: func(node fwk.NodeInfo) (int64, bool) {
			number := count(node, namespace, selector)
			return number, number > 0
		},
	}
}

// eligible reports whether the pods of a node count.
func (s *spreading) eligible(c *constraint, node *corev1.Node) bool {
	for _, key := range s.required {
		if _, found := node.Labels[key]; !found {
			return false
		}
	}
	if c.honorsAffinity {
		// A term that cannot be parsed matches nothing; the API server let the pod through, and others may match.
		if matches, _ := s.affinity.Match(node); !matches {
			return false
		}
	}
	return !c.honorsTaints || !s.untolerated(node)
}

func (s *spreading) untolerated(node *corev1.Node) bool {
	_, found := schedulinghelpers.FindMatchingUntoleratedTaint(klog.Background(), node.Spec.Taints, s.tolerations, keepsAway, noComparisons)
	return found
}

func keepsAway(taint *corev1.Taint) bool {
	return taint.Effect == corev1.TaintEffectNoSchedule || taint.Effect == corev1.TaintEffectNoExecute
}

// count returns how many pods of a namespace match a selector. A selector without requirements, which only a pod can
// have, counts none.
func count(node fwk.NodeInfo, namespace string, selector labels.Selector) (matching int64) {
	if selector.Empty() {
		return 0
	}
	for _, info := range node.GetPods() {
		pod := info.GetPod()
		if pod.DeletionTimestamp == nil && pod.Namespace == namespace && selector.Matches(labels.Set(pod.Labels)) {
			matching++
		}
	}
	return matching
}
