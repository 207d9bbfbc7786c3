package nodeeviction

import (
	"fmt"
	"strings"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/nodestatus"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Plan takes the taint off nodes that must not have it, and gives it to the next node of each zone whose time has come: side
// by side, so that a node which cannot be written holds up no other. It remembers to whom it gave the taint whether or not the node
// could be written: an answer may be lost.
func (Controller) Plan(_ client.ObjectKey, w world, now time.Time) *plan.Plan {
	p := plan.New()
	zones := zonesOf(w.nodes)
	cutOff := allDisrupted(zones)
	changes := corrections(w.nodes, cutOff)
	given := map[string]time.Time{}
	for _, z := range zones {
		if at, known := w.given[z.name]; known {
			given[z.name] = at
		}
		if cutOff || !z.mayEvict(p, w.last(z.name), now) {
			continue
		}
		why := fmt.Sprintf("%d of %d nodes of the zone of %s are not ready, and it has been so for the longest", z.unready, z.total, z.next.Name)
		changes, given[z.name] = append(changes, retaint{z.next, taintFor(z.next), why}), now
	}
	retaintEach(p, changes, now)
	p.Remember(func(error) any { return given })
	return p
}

// mayEvict reports that the next node of the zone is to get the taint now, and plans to look again when the one after it may. last
// is when a node of the zone got it last.
func (z *zone) mayEvict(p *plan.Plan, last, now time.Time) bool {
	interval := z.interval()
	if z.next == nil || interval == 0 {
		return false
	}
	if wait := last.Add(interval).Sub(now); wait > 0 {
		p.After(wait, fmt.Sprintf("the rate of a zone in the state %s allows node %s to be evicted then", z.state(), z.next.Name))
		return false
	}
	p.After(interval, "the next node of the zone may be evicted then")
	return true
}

// retaint is that a node shall have one of the two taints, or none.
type retaint struct {
	node *ocorev1.Node
	key  string
	why  string
}

// corrections are what is to be done about nodes that have one of the taints.
func corrections(nodes []ocorev1.Node, cutOff bool) []retaint {
	var all []retaint
	for i := range nodes {
		switch node := &nodes[i]; {
		case node.DeletionTimestamp != nil, taintOf(node) == nil:
		case taintFor(node) == "":
			all = append(all, retaint{node, "", node.Name + " is ready"})
		case cutOff:
			all = append(all, retaint{node, "", fmt.Sprintf("none of %d nodes is ready, so it may be the control plane that is cut off", len(nodes))})
		case taintKeyOf(node) != taintFor(node):
			all = append(all, retaint{node, taintFor(node), "the condition Ready of " + node.Name + " has changed"})
		}
	}
	return all
}

// retaintEach plans all changes as one step.
func retaintEach(p *plan.Plan, changes []retaint, now time.Time) {
	var (
		nodes []*ocorev1.Node
		keys  = map[string][]string{}
		whys  []string
		said  = map[string]bool{}
	)
	for _, c := range changes {
		nodes = append(nodes, c.node)
		if c.key != "" {
			keys[c.node.Name] = []string{c.key}
		}
		if !said[c.why] {
			whys, said[c.why] = append(whys, c.why), true
		}
	}
	plan.PatchEach(p, strings.Join(whys, "; "), nodes, func(node *ocorev1.Node) {
		node.Spec.Taints = nodestatus.Tainted(node.Spec.Taints, corev1.TaintEffectNoExecute, keys[node.Name], now, ours)
	})
}
