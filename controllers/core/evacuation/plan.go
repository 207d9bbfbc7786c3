package evacuation

import (
	"fmt"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/nodestatus"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Plan taints each node as it is, when it is its turn.
func (controller) Plan(_ client.ObjectKey, w world, now time.Time) *plan.Plan {
	p := plan.New()
	cutOff := nobodyIsReady(w.nodes)
	zones := zonesOf(w.nodes)
	for i := range w.nodes {
		node := &w.nodes[i]
		switch key := due(node); {
		case node.DeletionTimestamp != nil:
		case key == "":
			taint(p, "it is ready", node, now)
		case cutOff:
			taint(p, "no node is ready, so it may be the control plane that is cut off", node, now)
		case has(node) != "":
			taint(p, "its condition has changed", node, now, key)
		}
	}
	if cutOff {
		return p
	}
	for _, z := range zones {
		z.emptyNext(p, now)
	}
	return p
}

// taint gives the node one of the two taints, or none.
func taint(p *plan.Plan, why string, node *ocorev1.Node, now time.Time, keys ...string) {
	wanted := node.DeepCopy()
	wanted.Spec.Taints = nodestatus.Tainted(node.Spec.Taints, corev1.TaintEffectNoExecute, keys, now, ours)
	p.Patch(why, node, wanted)
}

// emptyNext begins to empty the node of the zone whose turn it is, or waits for its turn.
func (z *zone) emptyNext(p *plan.Plan, now time.Time) {
	between, some := z.interval()
	if z.first == nil || !some {
		return
	}
	if wait := z.last.Add(between).Sub(now); wait > 0 {
		p.After(wait, fmt.Sprintf("another node of the zone of %s has just begun to be emptied", z.first.Name))
		return
	}
	why := fmt.Sprintf("%d of %d nodes of its zone are not ready, and it is its turn", z.unready, z.total)
	taint(p, why, z.first, now, due(z.first))
	if z.unready > 1 {
		p.After(between, "the next node of the zone may be emptied then")
	}
}
