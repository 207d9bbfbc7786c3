package nodelifecycle

import (
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/nodestatus"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
)

// taintOf is the taint that stands for a condition in some status.
var taintOf = []struct {
	condition corev1.NodeConditionType
	status    corev1.ConditionStatus
	key       string
}{
	{corev1.NodeReady, corev1.ConditionFalse, corev1.TaintNodeNotReady},
	{corev1.NodeReady, corev1.ConditionUnknown, corev1.TaintNodeUnreachable},
	{corev1.NodeMemoryPressure, corev1.ConditionTrue, corev1.TaintNodeMemoryPressure},
	{corev1.NodeDiskPressure, corev1.ConditionTrue, corev1.TaintNodeDiskPressure},
	{corev1.NodePIDPressure, corev1.ConditionTrue, corev1.TaintNodePIDPressure},
	{corev1.NodeNetworkUnavailable, corev1.ConditionTrue, corev1.TaintNodeNetworkUnavailable},
}

// taint plans the taints of a node that is so.
func taint(p *plan.Plan, node, is *ocorev1.Node, now time.Time) {
	wanted := node.DeepCopy()
	wanted.Spec.Taints = tainted(is, now)
	p.Patch("its taints follow its conditions", node, wanted)
}

// tainted are a node's taints, of which those that stand for its state, with effect NoSchedule, are right.
func tainted(node *ocorev1.Node, now time.Time) []corev1.Taint {
	var wanted []string
	for _, t := range taintOf {
		if nodestatus.Is(node, t.condition, t.status) {
			wanted = append(wanted, t.key)
		}
	}
	if node.Spec.Unschedulable {
		wanted = append(wanted, corev1.TaintNodeUnschedulable)
	}
	return nodestatus.Tainted(node.Spec.Taints, corev1.TaintEffectNoSchedule, wanted, now, ours)
}

// ours reports that a taint stands for the state of a node.
func ours(key string) bool {
	for _, t := range taintOf {
		if t.key == key {
			return true
		}
	}
	return key == corev1.TaintNodeUnschedulable
}
