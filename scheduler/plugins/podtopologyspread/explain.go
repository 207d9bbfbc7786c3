package podtopologyspread

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/explain"
)

var (
	_ explain.RefusalExplainer = &Plugin{}
	_ explain.ScoreExplainer   = &Plugin{}
)

// ExplainScore says what the score counts.
func (*Plugin) ExplainScore(_ *corev1.Pod, _ fwk.NodeInfo, score int64) string {
	return fmt.Sprintf("a weighted count of %d similar pods in its domains", score)
}

// ExplainRefusal says how many pods are where, for the constraints that the node would break.
func (*Plugin) ExplainRefusal(refused explain.Refused) explain.Detail {
	var details []string
	node := refused.Node.Node()
	for _, constraint := range refused.Pod.Spec.TopologySpreadConstraints {
		if constraint.WhenUnsatisfiable != corev1.DoNotSchedule {
			continue
		}
		domain, labelled := node.Labels[constraint.TopologyKey]
		if !labelled {
			details = append(details, "the node has no label "+constraint.TopologyKey)
			continue
		}
		here, least := podsIn(refused, constraint, domain)
		if skew := here + 1 - least; skew > int(constraint.MaxSkew) {
			details = append(details, fmt.Sprintf("%s=%s has %d of the pods and another has %d: one more makes a skew of %d, at most %d allowed",
				constraint.TopologyKey, domain, here, least, skew, constraint.MaxSkew))
		}
	}
	if len(details) == 0 {
		return explain.Detail{}
	}
	return explain.Detail{Text: strings.Join(details, "; "), Shortfall: 0.9}
}

// podsIn counts the pods that a constraint speaks of in a domain, and in the domain with the fewest.
func podsIn(refused explain.Refused, constraint corev1.TopologySpreadConstraint, domain string) (here, least int) {
	selector := selectorOf(constraint, refused.Pod)
	counts := map[string]int{}
	for _, node := range refused.Cluster {
		value, labelled := node.Node().Labels[constraint.TopologyKey]
		if !labelled {
			continue
		}
		counts[value] += 0
		for _, other := range node.GetPods() {
			pod := other.GetPod()
			if pod.Namespace == refused.Pod.Namespace && pod.DeletionTimestamp == nil && selector.Matches(labels.Set(pod.Labels)) {
				counts[value]++
			}
		}
	}
	least = counts[domain]
	for _, count := range counts {
		least = min(least, count)
	}
	if constraint.MinDomains != nil && len(counts) < int(*constraint.MinDomains) {
		least = 0
	}
	return counts[domain], least
}

func selectorOf(constraint corev1.TopologySpreadConstraint, pod *corev1.Pod) labels.Selector {
	selector, err := metav1.LabelSelectorAsSelector(constraint.LabelSelector)
	if err != nil {
		return labels.Nothing()
	}
	for _, key := range constraint.MatchLabelKeys {
		if value, found := pod.Labels[key]; found {
			requirements, _ := labels.SelectorFromSet(labels.Set{key: value}).Requirements()
			selector = selector.Add(requirements...)
		}
	}
	return selector
}
