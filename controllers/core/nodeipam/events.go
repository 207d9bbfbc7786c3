package nodeipam

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The reasons of the events, as Kubernetes has them.
const (
	reasonNotAvailable = "CIDRNotAvailable"
	reasonNotAssigned  = "CIDRAssignmentFailed"
)

// sayNotAvailable plans to say that there is no range for a node, once for as long as it is so.
func sayNotAvailable(p *plan.Plan, node *ocorev1.Node) {
	p.EventOnce(node, plan.Normal, reasonNotAvailable, "Node %s status is now: %s", node.Name, reasonNotAvailable)
}

// notAssigned is the event that a node could not be given its ranges.
func notAssigned(node client.Object, _ error) plan.Event {
	return plan.Event{
		Regarding: node, Type: plan.Normal, Reason: reasonNotAssigned,
		Message: "Node " + node.GetName() + " status is now: " + reasonNotAssigned,
	}
}
