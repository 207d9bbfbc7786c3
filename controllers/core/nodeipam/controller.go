package nodeipam

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Options are the ranges of the cluster.
type Options struct {
	// Cluster are the ranges that nodes get theirs from: one, or one per IP family. None means that nodes get none.
	Cluster []netip.Prefix
	// Service are ranges that no pod may have addresses of.
	Service []netip.Prefix
	// Bits4 and Bits6 are the lengths of a node's prefix; 0 means 24 and 64.
	Bits4, Bits6 int
}

func (o Options) bits(cluster netip.Prefix) int {
	bits, otherwise := o.Bits4, 24
	if cluster.Addr().Is6() {
		bits, otherwise = o.Bits6, 64
	}
	if bits == 0 {
		return otherwise
	}
	return bits
}

// +kubebuilder:rbac:groups="",resources=nodes,verbs=get;list;watch;patch

// Loop allocates ranges to nodes.
func Loop(options Options) loop.Loop {
	return loop.NewGroup("nodeipam", controller{options}, loop.WatchesAll(&ocorev1.Node{}, 0))
}

type controller struct{ Options }

// world are all nodes, by name.
type world struct{ nodes []ocorev1.Node }

// Observe reads all nodes: which ranges are free depends on all of them.
func (c controller) Observe(ctx context.Context, view loop.View, _ client.ObjectKey) (world, error) {
	var nodes ocorev1.NodeList
	if err := view.List(ctx, &nodes, client.UnsafeDisableDeepCopy); err != nil {
		return world{}, fmt.Errorf("listing nodes: %w", err)
	}
	slices.SortFunc(nodes.Items, func(a, b ocorev1.Node) int { return cmp.Compare(a.Name, b.Name) })
	return world{nodes.Items}, nil
}

// needs reports that a node has no range and shall have one.
func (c controller) needs(node *ocorev1.Node) bool {
	return len(c.Cluster) > 0 && node.DeletionTimestamp == nil && node.Spec.PodCIDR == "" && len(node.Spec.PodCIDRs) == 0
}

// ranges are the ranges that a node has. What is no range takes no addresses.
func ranges(node *ocorev1.Node) []netip.Prefix {
	var prefixes []netip.Prefix
	for _, cidr := range append([]string{node.Spec.PodCIDR}, node.Spec.PodCIDRs...) {
		if prefix, err := netip.ParsePrefix(cidr); err == nil {
			prefixes = append(prefixes, prefix.Masked())
		}
	}
	return prefixes
}

// Plan gives each node that has none the first free ranges.
func (c controller) Plan(_ client.ObjectKey, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	taken := slices.Clone(c.Service)
	for i := range w.nodes {
		taken = append(taken, ranges(&w.nodes[i])...)
	}
	for i := range w.nodes {
		if node := &w.nodes[i]; c.needs(node) {
			taken = append(taken, c.allocate(p, node, taken)...)
		}
	}
	return p
}

// allocate plans to give a node the first free ranges, and returns them.
func (c controller) allocate(p *plan.Plan, node *ocorev1.Node, taken []netip.Prefix) []netip.Prefix {
	var given []netip.Prefix
	wanted := node.DeepCopy()
	for _, cluster := range c.Cluster {
		free, ok := firstFree(cluster.Masked(), c.bits(cluster), taken)
		if !ok {
			p.EventOnce(node, plan.Normal, "CIDRNotAvailable", "Node %s status is now: CIDRNotAvailable", node.Name)
			p.After(time.Minute, fmt.Sprintf("a range may be free in %s for node %s then", cluster, node.Name))
			return nil
		}
		given = append(given, free)
		wanted.Spec.PodCIDRs = append(wanted.Spec.PodCIDRs, free.String())
	}
	wanted.Spec.PodCIDR = wanted.Spec.PodCIDRs[0]
	p.Patch(fmt.Sprintf("%s is the first free range of the cluster's", wanted.Spec.PodCIDR), node, wanted)
	return given
}
