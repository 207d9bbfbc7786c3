package evacuation

import (
	"fmt"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/nodestatus"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
)

// recheck is how soon a node that is not ready is looked at again: how others are decides what is done to it.
const recheck = 5 * time.Second

// Plan taints the node as it is, when it is its turn.
func (controller) Plan(node *ocorev1.Node, w world, now time.Time) *plan.Plan {
	p := plan.New()
	if node.DeletionTimestamp != nil {
		return p
	}
	key := due(node)
	if key == "" {
		taint(p, "it is ready", node, now)
		return p
	}
	p.After(recheck, "the other nodes may be better or worse then")
	switch {
	case nobodyIsReady(w.nodes):
		taint(p, "no node is ready, so it may be the control plane that is cut off", node, now)
	case has(node) != "":
		taint(p, "its condition has changed", node, now, key)
	default:
		wait, why := turn(node, w.nodes, now)
		if wait > 0 {
			p.After(wait, why)
			return p
		}
		taint(p, why, node, now, key)
	}
	return p
}

// taint gives the node one of the two taints, or none.
func taint(p *plan.Plan, why string, node *ocorev1.Node, now time.Time, keys ...string) {
	wanted := node.DeepCopy()
	wanted.Spec.Taints = nodestatus.Tainted(node.Spec.Taints, corev1.TaintEffectNoExecute, keys, now, ours)
	p.Patch(why, node, wanted)
}

// turn is how long a node has to wait until it may be emptied, and why. It is 0 for the one of its zone whose turn it is:
// the one that has not been ready for the longest.
func turn(node *ocorev1.Node, nodes []ocorev1.Node, now time.Time) (wait time.Duration, why string) {
	zone := look(zoneOf(node), nodes)
	between, some := zone.interval()
	switch {
	case !some:
		return recheck, fmt.Sprintf("%d of %d nodes of its zone are not ready, and none is emptied", zone.unready, zone.total)
	case zone.first != nil && zone.first.Name != node.Name:
		return recheck, fmt.Sprintf("it is the turn of node %s", zone.first.Name)
	}
	if wait := zone.last.Add(between).Sub(now); wait > 0 {
		return wait, "another node of its zone has just begun to be emptied"
	}
	return 0, fmt.Sprintf("%d of %d nodes of its zone are not ready, and it is its turn", zone.unready, zone.total)
}
