package nodeeviction

import (
	"fmt"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/nodestatus"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Plan takes the taint off nodes that must not have it, and gives it to the next node of each zone whose time has come.
func (Controller) Plan(_ client.ObjectKey, w world, now time.Time) *plan.Plan {
	p := plan.New()
	zones := zonesOf(w.nodes)
	cutOff := allDisrupted(zones)
	for i := range w.nodes {
		switch node := &w.nodes[i]; {
		case node.DeletionTimestamp != nil, taintOf(node) == nil:
		case taintFor(node) == "":
			taint(p, "it is ready", node, now)
		case cutOff:
			taint(p, fmt.Sprintf("none of %d nodes is ready, so it may be the control plane that is cut off", len(w.nodes)), node, now)
		default:
			taint(p, "its condition Ready has changed", node, now, taintFor(node))
		}
	}
	if cutOff {
		return p
	}
	for _, z := range zones {
		z.taintNext(p, w.paced[z.name], now)
	}
	return p
}

// taint gives the node one of the two taints, or none.
func taint(p *plan.Plan, why string, node *ocorev1.Node, now time.Time, keys ...string) {
	wanted := node.DeepCopy()
	wanted.Spec.Taints = nodestatus.Tainted(node.Spec.Taints, corev1.TaintEffectNoExecute, keys, now, ours)
	p.Patch(why, node, wanted)
}

// taintNext gives the next node of the zone the taint, or waits for its time.
func (z *zone) taintNext(p *plan.Plan, paced, now time.Time) {
	between, some := z.interval()
	if z.next == nil || !some {
		return
	}
	last := z.tainted
	if paced.After(last) {
		last = paced
	}
	if wait := last.Add(between).Sub(now); wait > 0 {
		p.After(wait, fmt.Sprintf("the rate of a zone in the state %s is one node in %s, and node %s is next", z.state(), between, z.next.Name))
		return
	}
	taint(p, fmt.Sprintf("%d of %d nodes of its zone are not ready, and it has been so for the longest", z.unready, z.total), z.next, now, taintFor(z.next))
	p.After(between, "the next node of the zone may be evicted then")
}
