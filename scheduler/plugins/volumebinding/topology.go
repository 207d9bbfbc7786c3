package volumebinding

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
)

// topology is where a class allows new volumes: on nodes that one of the selectors matches.
type topology struct {
	anywhere  bool
	selectors []labels.Selector
}

// newTopology parses terms. No terms mean anywhere; an empty or broken one matches no node.
func newTopology(terms []corev1.TopologySelectorTerm) topology {
	t := topology{anywhere: len(terms) == 0}
	for _, term := range terms {
		if selector := selectorOf(term); selector != nil {
			t.selectors = append(t.selectors, selector)
		}
	}
	return t
}

func selectorOf(term corev1.TopologySelectorTerm) labels.Selector {
	if len(term.MatchLabelExpressions) == 0 {
		return nil
	}
	selector := labels.NewSelector()
	for _, expression := range term.MatchLabelExpressions {
		requirement, err := labels.NewRequirement(expression.Key, selection.In, expression.Values)
		if err != nil {
			return nil
		}
		selector = selector.Add(*requirement)
	}
	return selector
}

func (t topology) allows(node *corev1.Node) bool {
	for _, selector := range t.selectors {
		if selector.Matches(labels.Set(node.Labels)) {
			return true
		}
	}
	return t.anywhere
}
