package nodelifecycle

import (
	"time"

	corev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/nodestatus"
	k8scorev1 "k8s.io/api/core/v1"
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

// tainted are a node's taints, of which those that stand for its state, with effect NoSchedule, are right.
func tainted(node *corev1.Node, now time.Time) []k8scorev1.Taint {
	var wanted []string
	for _, t := range taintOf {
		if nodestatus.Is(node, t.condition, t.status) {
			wanted = append(wanted, t.key)
		}
	}
	if node.Spec.Unschedulable {
		wanted = append(wanted, k8scorev1.TaintNodeUnschedulable)
	}
	return nodestatus.Tainted(node.Spec.Taints, k8scorev1.TaintEffectNoSchedule, wanted, now, ours)
}

// ours reports that a taint stands for the state of a node.
func ours(key string) bool {
	for _, t := range taintOf {
		if t.key == key {
			return true
		}
	}
	return key == k8scorev1.TaintNodeUnschedulable
}
