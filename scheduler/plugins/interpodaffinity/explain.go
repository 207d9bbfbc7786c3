package interpodaffinity

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/explain"
	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
)

// detailsToName is how many pods and terms a refusal names at most.
const detailsToName = 3

var (
	_ explain.RefusalExplainer = &Plugin{}
	_ explain.ScoreExplainer   = &Plugin{}
)

// ExplainScore says what the pods nearby do.
func (*Plugin) ExplainScore(_ *corev1.Pod, _ fwk.NodeInfo, score int64) string {
	switch {
	case score > 0:
		return fmt.Sprintf("the pods nearby attract it by %d", score)
	case score < 0:
		return fmt.Sprintf("the pods nearby repel it by %d", -score)
	}
	return "no pod nearby attracts or repels it"
}

// ExplainRefusal names the pod that another's rules keep away from, or the rule that no pod meets.
func (*Plugin) ExplainRefusal(refused explain.Refused) explain.Detail {
	node := refused.Node
	own, err := nodeinfo.NewPodInfo(refused.Pod)
	if err != nil {
		return explain.Detail{}
	}
	var details []string
	for _, term := range own.GetRequiredAffinityTerms() {
		if neighbour(refused, term, refused.Pod) == nil {
			details = append(details, fmt.Sprintf("no pod that matches %s is in the node's %s", term.Selector, domainOf(node, term.TopologyKey)))
		}
	}
	for _, term := range own.GetRequiredAntiAffinityTerms() {
		if other := neighbour(refused, term, nil); other != nil {
			details = append(details, fmt.Sprintf("pod %s, which the pod keeps away from, is in the node's %s", klog.KObj(other), domainOf(node, term.TopologyKey)))
		}
	}
	for _, other := range refused.Cluster {
		for _, theirs := range other.GetPodsWithRequiredAntiAffinity() {
			for _, term := range theirs.GetRequiredAntiAffinityTerms() {
				if sameDomain(node, other, term.TopologyKey) && term.Matches(refused.Pod, nil) {
					details = append(details, fmt.Sprintf("pod %s, in the node's %s, keeps pods like this one away", klog.KObj(theirs.GetPod()), domainOf(node, term.TopologyKey)))
				}
			}
		}
	}
	if len(details) == 0 {
		return explain.Detail{}
	}
	return explain.Detail{Text: strings.Join(details[:min(len(details), detailsToName)], "; "), Shortfall: 1}
}

// neighbour returns a pod in the node's domain that a term matches, or nil. The first pod of a group that matches its own
// term needs none.
func neighbour(refused explain.Refused, term fwk.AffinityTerm, self *corev1.Pod) *corev1.Pod {
	node, anywhere := refused.Node, false
	for _, other := range refused.Cluster {
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

// domainOf names the topology domain of a node, as in "zone=a", or only its key where the node is in none.
func domainOf(node fwk.NodeInfo, key string) string {
	if value, labelled := node.Node().Labels[key]; labelled {
		return key + "=" + value
	}
	return key
}
