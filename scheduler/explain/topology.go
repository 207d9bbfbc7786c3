package explain

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
)

// spreadAccount says how many pods are where, for the constraints that the node would break.
func (e *examiner) spreadAccount(node fwk.NodeInfo, status *fwk.Status) account {
	var details []string
	for _, constraint := range e.pod.Spec.TopologySpreadConstraints {
		if constraint.WhenUnsatisfiable != corev1.DoNotSchedule {
			continue
		}
		domain, labelled := node.Node().Labels[constraint.TopologyKey]
		if !labelled {
			details = append(details, "the node has no label "+constraint.TopologyKey)
			continue
		}
		here, least := e.spread(constraint, domain)
		if skew := here + 1 - least; skew > int(constraint.MaxSkew) {
			details = append(details, fmt.Sprintf("%s=%s has %d of the pods and another has %d: one more makes a skew of %d, at most %d allowed",
				constraint.TopologyKey, domain, here, least, skew, constraint.MaxSkew))
		}
	}
	if len(details) == 0 {
		return account{detail: sentence(status), short: 0.9}
	}
	return account{detail: strings.Join(details, "; "), short: 0.9}
}

// spread counts the pods that a constraint speaks of in a domain, and in the domain with the fewest.
func (e *examiner) spread(constraint corev1.TopologySpreadConstraint, domain string) (here, least int) {
	selector := e.spreadSelector(constraint)
	counts := map[string]int{}
	for _, node := range e.nodes {
		value, labelled := node.Node().Labels[constraint.TopologyKey]
		if !labelled {
			continue
		}
		counts[value] += 0
		for _, other := range node.GetPods() {
			pod := other.GetPod()
			if pod.Namespace == e.pod.Namespace && pod.DeletionTimestamp == nil && selector.Matches(labels.Set(pod.Labels)) {
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

func (e *examiner) spreadSelector(constraint corev1.TopologySpreadConstraint) labels.Selector {
	selector, err := metav1.LabelSelectorAsSelector(constraint.LabelSelector)
	if err != nil {
		return labels.Nothing()
	}
	for _, key := range constraint.MatchLabelKeys {
		if value, found := e.pod.Labels[key]; found {
			requirements, _ := labels.SelectorFromSet(labels.Set{key: value}).Requirements()
			selector = selector.Add(requirements...)
		}
	}
	return selector
}

// podAffinityAccount names the pod that another's rules keep away from, or the rule that no pod meets.
func (e *examiner) podAffinityAccount(node fwk.NodeInfo, status *fwk.Status) account {
	own, err := nodeinfo.NewPodInfo(e.pod)
	if err != nil {
		return account{detail: sentence(status), short: 1}
	}
	var details []string
	for _, term := range own.GetRequiredAffinityTerms() {
		if e.neighbour(node, term, e.pod) == nil {
			details = append(details, fmt.Sprintf("no pod that matches %s is in the node's %s", term.Selector, e.domain(node, term.TopologyKey)))
		}
	}
	for _, term := range own.GetRequiredAntiAffinityTerms() {
		if other := e.neighbour(node, term, nil); other != nil {
			details = append(details, fmt.Sprintf("pod %s, which the pod keeps away from, is in the node's %s", klog.KObj(other), e.domain(node, term.TopologyKey)))
		}
	}
	for _, other := range e.nodes {
		for _, theirs := range other.GetPodsWithRequiredAntiAffinity() {
			for _, term := range theirs.GetRequiredAntiAffinityTerms() {
				if sameDomain(node, other, term.TopologyKey) && term.Matches(e.pod, nil) {
					details = append(details, fmt.Sprintf("pod %s, in the node's %s, keeps pods like this one away", klog.KObj(theirs.GetPod()), e.domain(node, term.TopologyKey)))
				}
			}
		}
	}
	if len(details) == 0 {
		return account{detail: sentence(status), short: 1}
	}
	return account{detail: strings.Join(details[:min(len(details), victimsToName)], "; "), short: 1}
}

// neighbour returns a pod in the node's domain that a term matches, or nil. The first pod of a group that matches its own
// term needs none.
func (e *examiner) neighbour(node fwk.NodeInfo, term fwk.AffinityTerm, self *corev1.Pod) *corev1.Pod {
	anywhere := false
	for _, other := range e.nodes {
		for _, pod := range other.GetPods() {
			if !term.Matches(pod.GetPod(), nil) {
				continue
			}
			anywhere = true
			if sameDomain(node, other, term.TopologyKey) {
				return pod.GetPod()
			}
		}
	}
	if _, labelled := node.Node().Labels[term.TopologyKey]; !anywhere && labelled && self != nil && term.Matches(self, nil) {
		return self
	}
	return nil
}

func sameDomain(a, b fwk.NodeInfo, key string) bool {
	one, oneLabelled := a.Node().Labels[key]
	other, otherLabelled := b.Node().Labels[key]
	return oneLabelled && otherLabelled && one == other
}

func (e *examiner) domain(node fwk.NodeInfo, key string) string {
	return strings.TrimPrefix(labelOf(node.Node(), key), "none") + map[bool]string{true: "", false: key}[node.Node().Labels[key] != ""]
}
