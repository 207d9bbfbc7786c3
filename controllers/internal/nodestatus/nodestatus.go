// Package nodestatus reads what a node says about itself, and sets taints that follow from it.
//
// It is pure, and promises that nothing it is given is changed and that the taints of others stay. Which taints follow from
// what is the caller's to say.
package nodestatus

import (
	"slices"
	"time"

	corev1 "github.com/orrery-dev/orrery/apis/core/v1"
	k8scorev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Readiness is a node's condition Ready; nil if it has none.
func Readiness(node *corev1.Node) *k8scorev1.NodeCondition {
	for i := range node.Status.Conditions {
		if node.Status.Conditions[i].Type == k8scorev1.NodeReady {
			return &node.Status.Conditions[i]
		}
	}
	return nil
}

// Ready reports that a node is.
func Ready(node *corev1.Node) bool {
	return Is(node, k8scorev1.NodeReady, k8scorev1.ConditionTrue)
}

// Is reports that a condition of a node has a status.
func Is(node *corev1.Node, condition k8scorev1.NodeConditionType, status k8scorev1.ConditionStatus) bool {
	return slices.ContainsFunc(node.Status.Conditions, func(c k8scorev1.NodeCondition) bool {
		return c.Type == condition && c.Status == status
	})
}

// Tainted is taints in which, of those that have an effect and that ours says are ours, there are the wanted ones, by key.
// Those that are there stay as they are, new ones were added now.
func Tainted(taints []k8scorev1.Taint, effect k8scorev1.TaintEffect, wanted []string, now time.Time, ours func(key string) bool) []k8scorev1.Taint {
	var result []k8scorev1.Taint
	for _, taint := range taints {
		if taint.Effect != effect || !ours(taint.Key) || slices.Contains(wanted, taint.Key) {
			result = append(result, taint)
		}
	}
	for _, key := range wanted {
		if !slices.ContainsFunc(result, func(t k8scorev1.Taint) bool { return t.Key == key && t.Effect == effect }) {
			since := metav1.NewTime(now)
			result = append(result, k8scorev1.Taint{Key: key, Effect: effect, TimeAdded: &since})
		}
	}
	return result
}
