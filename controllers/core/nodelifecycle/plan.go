package nodelifecycle

import (
	"fmt"
	"time"

	corev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
)

// recheck is how soon a node that is not ready is looked at again: how others are decides what is done to it.
const recheck = 5 * time.Second

// Plan writes down what a silent node would say, taints the node accordingly, and speaks for its pods.
func (c *controller) Plan(node *corev1.Node, w world, now time.Time) *plan.Plan {
	p := plan.New()
	if node.DeletionTimestamp != nil {
		return p
	}
	is := node
	if w.silent {
		is = silenced(node, now)
		p.Status(node, is)
		if ready(node) {
			p.Event(node, plan.Normal, reasonNodeNotReady, "Node %s status is now: %s", node.Name, reasonNodeNotReady)
		}
	} else {
		p.After(w.heartbeat.Add(c.grace(node)).Sub(now), "a sign of life is due then")
	}
	p.Patch("its taints follow its conditions", node, tainted(p, is, node, w, now))
	if ready(is) || readiness(is) == nil {
		return p
	}
	for i := range w.pods {
		markNotReady(p, &w.pods[i], now)
	}
	p.After(recheck, "the other nodes may be better or worse then")
	return p
}

// tainted is the node with the taints that it shall have; is is the node as its conditions will be.
func tainted(p *plan.Plan, is, node *corev1.Node, w world, now time.Time) *corev1.Node {
	wanted := node.DeepCopy()
	wanted.Spec.Taints = withNoSchedule(wanted.Spec.Taints, is, now)
	wanted.Spec.Taints = withNoExecute(wanted.Spec.Taints, eviction(p, is, w, now), now)
	return wanted
}

// eviction is the key of the taint with effect NoExecute that a node shall have; empty means none.
func eviction(p *plan.Plan, is *corev1.Node, w world, now time.Time) string {
	key := evicting(is)
	switch {
	case key == "" || nobodyIsReady(is, w.nodes):
		return ""
	case hasNoExecute(is):
		return key
	}
	if wait := turn(is, w.nodes, now); wait > 0 {
		p.After(wait, fmt.Sprintf("node %s may be emptied then", is.Name))
		return ""
	}
	return key
}
