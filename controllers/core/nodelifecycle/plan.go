package nodelifecycle

import (
	"fmt"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/nodestatus"
	"github.com/orrery-dev/orrery/framework/plan"
)

// Plan writes down what a silent node would say, taints the node accordingly, and speaks for its pods.
func (c Controller) Plan(node *ocorev1.Node, w world, now time.Time) *plan.Plan {
	p := plan.New()
	if node.DeletionTimestamp != nil {
		return p
	}
	sayRegistered(p, node)
	is := node
	if w.silent {
		is = silenced(node, now)
		declareSilent(p, node, is)
	} else {
		p.After(w.heartbeat.Add(c.grace(node)).Sub(now), fmt.Sprintf("no heartbeat has been seen for %s then", c.grace(node)))
	}
	taint(p, node, is, now)
	if nodestatus.Readiness(is) == nil || nodestatus.Ready(is) {
		return p
	}
	for i := range w.pods {
		markPodNotReady(p, &w.pods[i], now)
	}
	return p
}
