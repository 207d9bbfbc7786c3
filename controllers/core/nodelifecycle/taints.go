package nodelifecycle

import (
	"slices"
	"time"

	corev1 "github.com/orrery-dev/orrery/apis/core/v1"
	k8scorev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// taintOf is the taint that stands for a condition in some status.
var taintOf = []struct {
	condition k8scorev1.NodeConditionType
	status    k8scorev1.ConditionStatus
	key       string
}{
	{k8scorev1.NodeReady, k8scorev1.ConditionFalse, k8scorev1.TaintNodeNotReady},
	{k8scorev1.NodeReady, k8scorev1.ConditionUnknown, k8scorev1.TaintNodeUnreachable},
	{k8scorev1.NodeMemoryPressure, k8scorev1.ConditionTrue, k8scorev1.TaintNodeMemoryPressure},
	{k8scorev1.NodeDiskPressure, k8scorev1.ConditionTrue, k8scorev1.TaintNodeDiskPressure},
	{k8scorev1.NodePIDPressure, k8scorev1.ConditionTrue, k8scorev1.TaintNodePIDPressure},
	{k8scorev1.NodeNetworkUnavailable, k8scorev1.ConditionTrue, k8scorev1.TaintNodeNetworkUnavailable},
}

// withNoSchedule is taints in which those that stand for the state of a node, with effect NoSchedule, are right.
func withNoSchedule(taints []k8scorev1.Taint, node *corev1.Node, now time.Time) []k8scorev1.Taint {
	wanted := []string{}
	for _, t := range taintOf {
		if has(node, t.condition, t.status) {
			wanted = append(wanted, t.key)
		}
	}
	if node.Spec.Unschedulable {
		wanted = append(wanted, k8scorev1.TaintNodeUnschedulable)
	}
	return with(taints, k8scorev1.TaintEffectNoSchedule, wanted, now, func(key string) bool {
		return key == k8scorev1.TaintNodeUnschedulable || standsForCondition(key)
	})
}

// withNoExecute is taints in which of the two that make pods leave there is the one with a key, or none.
func withNoExecute(taints []k8scorev1.Taint, key string, now time.Time) []k8scorev1.Taint {
	var wanted []string
	if key != "" {
		wanted = []string{key}
	}
	return with(taints, k8scorev1.TaintEffectNoExecute, wanted, now, evicts)
}

// with is taints in which, of those that are ours and have an effect, there are the wanted ones.
func with(taints []k8scorev1.Taint, effect k8scorev1.TaintEffect, wanted []string, now time.Time, ours func(string) bool) []k8scorev1.Taint {
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

// evicting is the key of the taint that makes the pods of a node leave, as the node is; empty for one that is ready, or
// has never said how it is.
func evicting(node *corev1.Node) string {
	for _, t := range taintOf {
		if evicts(t.key) && has(node, t.condition, t.status) {
			return t.key
		}
	}
	return ""
}

// evicts reports that a taint makes pods leave because the node is not ready.
func evicts(key string) bool {
	return key == k8scorev1.TaintNodeNotReady || key == k8scorev1.TaintNodeUnreachable
}

func standsForCondition(key string) bool {
	for _, t := range taintOf {
		if t.key == key {
			return true
		}
	}
	return false
}

func has(node *corev1.Node, condition k8scorev1.NodeConditionType, status k8scorev1.ConditionStatus) bool {
	return slices.ContainsFunc(node.Status.Conditions, func(c k8scorev1.NodeCondition) bool {
		return c.Type == condition && c.Status == status
	})
}

// noExecute is the taint that makes the pods of a node leave because it is not ready; nil if there is none.
func noExecute(node *corev1.Node) *k8scorev1.Taint {
	for i, taint := range node.Spec.Taints {
		if taint.Effect == k8scorev1.TaintEffectNoExecute && evicts(taint.Key) {
			return &node.Spec.Taints[i]
		}
	}
	return nil
}

func hasNoExecute(node *corev1.Node) bool { return noExecute(node) != nil }
