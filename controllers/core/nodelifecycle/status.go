package nodelifecycle

import (
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/conditionsof"
	"github.com/orrery-dev/orrery/controllers/internal/nodestatus"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
)

// The reasons and messages of conditions, as Kubernetes has them.
const (
	reasonUnknown       = "NodeStatusUnknown"
	reasonNeverUpdated  = "NodeStatusNeverUpdated"
	messageUnknown      = "Kubelet stopped posting node status."
	messageNeverUpdated = "Kubelet never posted node status."
)

// unknowable are the conditions that nobody but the node itself can tell.
var unknowable = []corev1.NodeConditionType{
	corev1.NodeReady,
	corev1.NodeMemoryPressure,
	corev1.NodeDiskPressure,
	corev1.NodePIDPressure,
}

// declareSilent plans the status of a silent node, and says so if it was ready.
func declareSilent(p *plan.Plan, node, silenced *ocorev1.Node) {
	p.Status(node, silenced)
	if nodestatus.Ready(node) {
		p.Event(node, plan.Normal, reasonNodeNotReady, "Node %s status is now: %s", node.Name, reasonNodeNotReady)
	}
}

// silenced is a node of which nothing is known any more.
func silenced(node *ocorev1.Node, now time.Time) *ocorev1.Node {
	wanted := node.DeepCopy()
	for _, kind := range unknowable {
		setUnknown(wanted, kind, now)
	}
	return wanted
}

// setUnknown makes a condition Unknown, unless it is. What it said last stays with the time of the last heartbeat.
func setUnknown(node *ocorev1.Node, kind corev1.NodeConditionType, now time.Time) {
	condition, found := conditionsof.Node.Find(node.Status.Conditions, kind)
	switch {
	case !found:
		condition = corev1.NodeCondition{
			Type:              kind,
			Reason:            reasonNeverUpdated,
			Message:           messageNeverUpdated,
			LastHeartbeatTime: node.CreationTimestamp,
		}
	case condition.Status == corev1.ConditionUnknown:
		return
	default:
		condition.Reason, condition.Message = reasonUnknown, messageUnknown
	}
	condition.Status = corev1.ConditionUnknown
	node.Status.Conditions = conditionsof.Node.Set(node.Status.Conditions, condition, now)
}

// markPodNotReady makes a pod that was ready not so, and says why.
func markPodNotReady(p *plan.Plan, pod *ocorev1.Pod, now time.Time) {
	condition, found := conditionsof.Pod.Find(pod.Status.Conditions, corev1.PodReady)
	if !found || condition.Status == corev1.ConditionFalse {
		return
	}
	condition.Status = corev1.ConditionFalse
	wanted := pod.DeepCopy()
	wanted.Status.Conditions = conditionsof.Pod.Set(wanted.Status.Conditions, condition, now)
	p.Status(pod, wanted)
	p.Event(pod, plan.Warning, reasonNodeNotReady, "Node is not ready")
}
