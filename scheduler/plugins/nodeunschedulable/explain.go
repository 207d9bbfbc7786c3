package nodeunschedulable

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/scheduler/explain"
)

var _ explain.RefusalExplainer = Plugin{}

// ExplainRefusal says that the node is cordoned.
func (Plugin) ExplainRefusal(explain.Refused) explain.Detail {
	return explain.Detail{Text: "the node is cordoned (spec.unschedulable)", Remedies: []explain.Remedy{{
		Phrase: "once it is uncordoned",
		Node: func(node *corev1.Node) {
			node.Spec.Unschedulable, node.Spec.Taints = false, uncordoned(node.Spec.Taints)
		},
	}}}
}

func uncordoned(taints []corev1.Taint) []corev1.Taint {
	return slices.DeleteFunc(slices.Clone(taints), func(t corev1.Taint) bool { return t.Key == corev1.TaintNodeUnschedulable })
}
