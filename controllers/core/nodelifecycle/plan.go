package nodelifecycle

import (
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/nodestatus"
	"github.com/orrery-dev/orrery/framework/plan"
)

// recheck is how soon a node that is not ready is looked at again: pods may have come to it.
const recheck = 5 * time.Second

// Plan writes down what a silent node would say, taints the node accordingly, and speaks for its pods.
func (c *controller) Plan(node *ocorev1.Node, w world, now time.Time) *plan.Plan {
	p := plan.New()
	if node.DeletionTimestamp != nil {
		return p
	}
	is := node
	if w.silent {
		is = silenced(node, now)
		p.Status(node, is)
		if nodestatus.Ready(node) {
			p.Event(node, plan.Normal, reasonNodeNotReady, "Node %s status is now: %s", node.Name, reasonNodeNotReady)
		}
	} else {
		p.After(w.heartbeat.Add(c.grace(node)).Sub(now), "a sign of life is due then")
	}
	wanted := node.DeepCopy()
	wanted.Spec.Taints = tainted(is, now)
	p.Patch("its taints follow its conditions", node, wanted)
	if nodestatus.Ready(is) || nodestatus.Readiness(is) == nil {
		return p
	}
	for i := range w.pods {
		markNotReady(p, &w.pods[i], now)
	}
	p.After(recheck, "pods may have come to it that are not ready there")
	return p
}
