package nodeipam

import (
	"fmt"
	"slices"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Plan gives each node that has none the first free ranges, one of each cluster CIDR: side by side, so that a node which cannot
// be written holds up no other.
func (c Controller) Plan(_ client.ObjectKey, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	if len(c.ClusterCIDRs) == 0 {
		return p
	}
	var (
		sets  = c.cidrSets(w)
		nodes []*ocorev1.Node
		cidrs = map[string][]string{}
	)
	for i := range w.nodes {
		node := &w.nodes[i]
		if !lacksCIDRs(node) {
			continue
		}
		allocated, exhausted := allocate(sets)
		if exhausted != nil {
			sayNotAvailable(p, node)
			p.After(time.Minute, fmt.Sprintf("%s may have a free range for node %s then: %d of %d nodes have theirs",
				exhausted.cluster, node.Name, w.served()+len(nodes), len(w.nodes)))
			continue
		}
		nodes, cidrs[node.Name] = append(nodes, node), allocated
	}
	why := fmt.Sprintf("the first free ranges, for %d of %d nodes have theirs", w.served(), len(w.nodes))
	plan.PatchEach(p, why, nodes, func(node *ocorev1.Node) {
		node.Spec.PodCIDR, node.Spec.PodCIDRs = cidrs[node.Name][0], cidrs[node.Name]
	}).Failed(notAssigned)
	return p
}

// served is how many nodes need no ranges: most of them have theirs.
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
