package nodeeviction

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/nodestatus"
	corev1 "k8s.io/api/core/v1"
)

// taintFor is the key of the taint that stands for a node's condition Ready; empty for one that is ready, or has never said.
func taintFor(node *ocorev1.Node) string {
	switch {
	case nodestatus.Is(node, corev1.NodeReady, corev1.ConditionFalse):
		return corev1.TaintNodeNotReady
	case nodestatus.Is(node, corev1.NodeReady, corev1.ConditionUnknown):
		return corev1.TaintNodeUnreachable
	default:
		return ""
	}
}

// ours reports that a taint is one of the two.
func ours(key string) bool {
	return key == corev1.TaintNodeNotReady || key == corev1.TaintNodeUnreachable
}

// taintOf is the taint by which pods leave a node; nil if it has neither of the two.
func taintOf(node *ocorev1.Node) *corev1.Taint {
	for i, taint := range node.Spec.Taints {
		if taint.Effect == corev1.TaintEffectNoExecute && ours(taint.Key) {
			return &node.Spec.Taints[i]
		}
	}
	return nil
}

// taintKeyOf is the key of that taint, or empty.
func taintKeyOf(node *ocorev1.Node) string {
	if taint := taintOf(node); taint != nil {
		return taint.Key
	}
	return ""
}
