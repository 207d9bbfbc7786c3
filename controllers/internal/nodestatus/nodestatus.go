// Package nodestatus reads what a node says about itself, and sets taints that follow from it.
//
// It is pure, and promises that nothing it is given is changed and that the taints of others stay. Which taints follow from
// what is the caller's to say.
package nodestatus

import (
	"slices"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/conditionsof"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Readiness is a node's condition Ready; nil if it has none.
func Readiness(node *ocorev1.Node) *corev1.NodeCondition {
	ready, found := conditionsof.Node.Find(node.Status.Conditions, corev1.NodeReady)
	if !found {
		return nil
	}
	return &ready
}

// Ready reports that a node is.
func Ready(node *ocorev1.Node) bool {
	return conditionsof.Node.True(node.Status.Conditions, corev1.NodeReady)
}

// Is reports that a condition of a node has a status.
func Is(node *ocorev1.Node, condition corev1.NodeConditionType, status corev1.ConditionStatus) bool {
	is, found := conditionsof.Node.Find(node.Status.Conditions, condition)
	return found && is.Status == status
}

// Tainted is taints in which, of those that have an effect and that ours says are ours, there are the wanted ones, by key.
// Those that are there stay as they are, new ones were added now.
func Tainted(taints []corev1.Taint, effect corev1.TaintEffect, wanted []string, now time.Time, ours func(key string) bool) []corev1.Taint {
	var result []corev1.Taint
	for _, taint := range taints {
		if taint.Effect != effect || !ours(taint.Key) || slices.Contains(wanted, taint.Key) {
			result = append(result, taint)
		}
	}
	for _, key := range wanted {
		if !slices.ContainsFunc(result, func(t corev1.Taint) bool { return t.Key == key && t.Effect == effect }) {
			since := metav1.NewTime(now)
			result = append(result, corev1.Taint{Key: key, Effect: effect, TimeAdded: &since})
		}
	}
	return result
}
