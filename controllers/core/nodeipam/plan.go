package nodeipam

import (
	"fmt"
	"slices"
	"strings"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const reasonCIDRNotAvailable = "CIDRNotAvailable"

// Plan gives each node that has none the first free ranges, one of each cluster CIDR.
func (c Controller) Plan(_ client.ObjectKey, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	if len(c.ClusterCIDRs) == 0 {
		return p
	}
	served, sets := w.served(), c.cidrSets(w)
	for i := range w.nodes {
		node := &w.nodes[i]
		if !lacksCIDRs(node) {
			continue
		}
		cidrs, exhausted := allocate(sets)
		if exhausted != nil {
			p.EventOnce(node, plan.Normal, reasonCIDRNotAvailable, "Node %s status is now: %s", node.Name, reasonCIDRNotAvailable)
			p.After(time.Minute, fmt.Sprintf("%s may have a free range for node %s then: %d of %d nodes have theirs", exhausted.cluster, node.Name, served, len(w.nodes)))
			continue
		}
		p.Patch(fmt.Sprintf("%s is the first free range: %d of %d nodes have theirs", strings.Join(cidrs, ", "), served, len(w.nodes)), node, withCIDRs(node, cidrs))
		served++
	}
	return p
}

// served is how many nodes have ranges, or are about to go without.
func (w world) served() int {
	n := 0
	for i := range w.nodes {
		if !lacksCIDRs(&w.nodes[i]) {
			n++
		}
	}
	return n
}

// lacksCIDRs reports that a node has no range and shall have one.
func lacksCIDRs(node *ocorev1.Node) bool {
	return node.DeletionTimestamp == nil && node.Spec.PodCIDR == "" && len(node.Spec.PodCIDRs) == 0
}

// cidrSets are the cluster CIDRs without what nodes and Services have.
func (c Controller) cidrSets(w world) []*cidrSet {
	taken := slices.Clone(c.ServiceCIDRs)
	for i := range w.nodes {
		taken = append(taken, podCIDRs(&w.nodes[i])...)
	}
	sets := make([]*cidrSet, len(c.ClusterCIDRs))
	for i, cluster := range c.ClusterCIDRs {
		sets[i] = newCIDRSet(cluster, c.maskSize(cluster), taken)
	}
	return sets
}

// allocate hands out one range of each set. If one is exhausted, which is then returned, so are the node's chances.
func allocate(sets []*cidrSet) (cidrs []string, exhausted *cidrSet) {
	for _, set := range sets {
		free, ok := set.allocate()
		if !ok {
			return nil, set
		}
		cidrs = append(cidrs, free.String())
	}
	return cidrs, nil
}

// withCIDRs is the node with ranges.
func withCIDRs(node *ocorev1.Node, cidrs []string) *ocorev1.Node {
	wanted := node.DeepCopy()
	wanted.Spec.PodCIDR, wanted.Spec.PodCIDRs = cidrs[0], cidrs
	return wanted
}
