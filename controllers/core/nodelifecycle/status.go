package nodelifecycle

import (
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/conditionsof"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	reasonNodeNotReady  = "NodeNotReady"
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
	for i := range node.Status.Conditions {
		condition := &node.Status.Conditions[i]
		if condition.Type != kind {
			continue
		}
		if condition.Status != corev1.ConditionUnknown {
			condition.Status = corev1.ConditionUnknown
			condition.Reason = reasonUnknown
			condition.Message = messageUnknown
			condition.LastTransitionTime = metav1.NewTime(now)
		}
		return
	}
	node.Status.Conditions = append(node.Status.Conditions, corev1.NodeCondition{
		Type:               kind,
		Status:             corev1.ConditionUnknown,
		Reason:             reasonNeverUpdated,
		Message:            messageNeverUpdated,
		LastHeartbeatTime:  node.CreationTimestamp,
		LastTransitionTime: metav1.NewTime(now),
	})
}

// markNotReady makes a pod that was ready not so, and says why.
func markNotReady(p *plan.Plan, pod *ocorev1.Pod, now time.Time) {
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
