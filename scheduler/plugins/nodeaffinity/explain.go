package nodeaffinity

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/explain"
)

var (
	_ explain.RefusalExplainer = &Plugin{}
	_ explain.ScoreExplainer   = &Plugin{}
)

// ExplainScore says what weight matches.
func (*Plugin) ExplainScore(_ *corev1.Pod, _ fwk.NodeInfo, score int64) string {
	if score == 0 {
		return "no preferred term matches"
	}
	return fmt.Sprintf("preferred terms with a weight of %d match", score)
}

// ExplainRefusal names the labels that the pod wants and the node does not have.
func (*Plugin) ExplainRefusal(refused explain.Refused) explain.Detail {
	node := refused.Node.Node()
	if fits, err := nodeaffinity.GetRequiredNodeAffinity(refused.Pod).Match(node); err != nil || fits {
		return explain.Detail{} // The profile's added affinity refuses it.
	}
	var missing []string
	missingLabels := map[string]string{}
	for key, value := range refused.Pod.Spec.NodeSelector {
		if node.Labels[key] != value {
			missing = append(missing, fmt.Sprintf("wants label %s=%s, the node has %s", key, value, labelOf(node, key)))
			missingLabels[key] = value
		}
	}
	slices.Sort(missing)
	if required := requiredTerms(refused.Pod); required != nil {
		if text, labels, ok := nearestTerm(node, required.NodeSelectorTerms); ok {
			missing = append(missing, text)
			for key, value := range labels {
				missingLabels[key] = value
			}
		}
	}
	result := explain.Detail{Text: strings.Join(missing, ", "), Shortfall: 0.75}
	if len(missingLabels) > 0 {
		result.Remedies = []explain.Remedy{{
			Phrase: "with " + labelled(missingLabels) + " on the node",
			Node: func(n *corev1.Node) {
				if n.Labels == nil {
					n.Labels = map[string]string{}
				}
				for key, value := range missingLabels {
					n.Labels[key] = value
				}
			},
		}}
	}
	return result
}

// nearestTerm describes the term, any one of which is enough, of which the fewest expressions do not match. ok is false
// where one matches. labels are those that would make it match, where labels can.
func nearestTerm(node *corev1.Node, terms []corev1.NodeSelectorTerm) (text string, labels map[string]string, ok bool) {
	fewest := -1
	for _, term := range terms {
		var unmatched []string
		wanted := map[string]string{}
		for _, expression := range term.MatchExpressions {
			if matches(node, corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{expression}}) {
				continue
			}
			unmatched = append(unmatched, fmt.Sprintf("wants %s, the node has %s", expressed(expression), labelOf(node, expression.Key)))
			if expression.Operator == corev1.NodeSelectorOpIn && len(expression.Values) > 0 {
				wanted[expression.Key] = expression.Values[0]
			} else if expression.Operator == corev1.NodeSelectorOpExists {
				wanted[expression.Key] = ""
			}
		}
		for _, expression := range term.MatchFields {
			if !matches(node, corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{expression}}) {
				unmatched = append(unmatched, fmt.Sprintf("wants %s, this is %s", expressed(expression), node.Name))
			}
		}
		if len(unmatched) == 0 && len(term.MatchExpressions)+len(term.MatchFields) > 0 {
			return "", nil, false
		}
		if fewest < 0 || len(unmatched) < fewest {
			fewest, text, labels = len(unmatched), strings.Join(unmatched, " and "), wanted
			if len(wanted) < len(unmatched) {
				labels = nil
			}
		}
	}
	return text, labels, text != ""
}

func matches(node *corev1.Node, term corev1.NodeSelectorTerm) bool {
	selector, err := nodeaffinity.NewNodeSelector(&corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{term}})
	return err == nil && selector.Match(node)
}

func expressed(r corev1.NodeSelectorRequirement) string {
	values := strings.Join(r.Values, ", ")
	switch r.Operator {
	case corev1.NodeSelectorOpIn:
		return fmt.Sprintf("%s in (%s)", r.Key, values)
	case corev1.NodeSelectorOpNotIn:
		return fmt.Sprintf("%s not in (%s)", r.Key, values)
	case corev1.NodeSelectorOpExists:
		return fmt.Sprintf("label %s", r.Key)
	case corev1.NodeSelectorOpDoesNotExist:
		return fmt.Sprintf("no label %s", r.Key)
	case corev1.NodeSelectorOpGt:
		return fmt.Sprintf("%s > %s", r.Key, values)
	case corev1.NodeSelectorOpLt:
		return fmt.Sprintf("%s < %s", r.Key, values)
	}
	return fmt.Sprintf("%s %s (%s)", r.Key, r.Operator, values)
}

func labelOf(node *corev1.Node, key string) string {
	if value, found := node.Labels[key]; found {
		return key + "=" + value
	}
	return "none"
}

func labelled(labels map[string]string) string {
	var texts []string
	for key, value := range labels {
		texts = append(texts, key+"="+value)
	}
	slices.Sort(texts)
	noun := "label "
	if len(texts) > 1 {
		noun = "labels "
	}
	return noun + strings.Join(texts, ", ")
}
