package nodelifecycle

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
)

// The reasons of events, as Kubernetes has them.
const (
	reasonNodeNotReady = "NodeNotReady"
	reasonRegistered   = "RegisteredNode"
)

// sayRegistered tells of a node that is looked after from now on.
func sayRegistered(p *plan.Plan, node *ocorev1.Node) {
	p.EventOnce(node, plan.Normal, reasonRegistered, "Node %s event: Registered Node %s in Controller", node.Name, node.Name)
}
