package nodeipam

import (
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
	return loop.New[*ocorev1.Node, world]("nodeipam", controller{options}, loop.OneByOne())
}

type controller struct{ Options }

// world are the ranges that cannot be given to the node.
type world struct{ taken []netip.Prefix }

// Observe reads which ranges the other nodes have, if the node needs any.
func (c controller) Observe(ctx context.Context, read client.Reader, node *ocorev1.Node) (world, error) {
	if !c.needs(node) {
		return world{}, nil
	}
	var nodes ocorev1.NodeList
	if err := read.List(ctx, &nodes); err != nil {
		return world{}, fmt.Errorf("listing nodes: %w", err)
	}
	w := world{taken: slices.Clone(c.Service)}
	for i := range nodes.Items {
		w.taken = append(w.taken, ranges(&nodes.Items[i])...)
	}
	return w, nil
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

// Plan gives the node the first free ranges.
func (c controller) Plan(node *ocorev1.Node, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	if !c.needs(node) {
		return p
	}
	wanted := node.DeepCopy()
	for _, cluster := range c.Cluster {
		free, ok := firstFree(cluster.Masked(), c.bits(cluster), w.taken)
		if !ok {
			p.Do(&complain{node: node, cluster: cluster})
			return p
		}
		wanted.Spec.PodCIDRs = append(wanted.Spec.PodCIDRs, free.String())
	}
	wanted.Spec.PodCIDR = wanted.Spec.PodCIDRs[0]
	p.Patch(fmt.Sprintf("%s is the first free range of the cluster's", wanted.Spec.PodCIDR), node, wanted)
	return p
}

// complain says that a range of the cluster is used up.
type complain struct {
	node    *ocorev1.Node
	cluster netip.Prefix
}

func (s *complain) Verb() string   { return "event" }
func (s *complain) Why() string    { return fmt.Sprintf("no range is free in %s", s.cluster) }
func (s *complain) String() string { return "event CIDRNotAvailable for Node " + s.node.Name }

func (s *complain) Do(_ context.Context, act plan.Actor) error {
	act.Record(plan.Event{
		Regarding: s.node,
		Reason:    "CIDRNotAvailable",
		Message:   fmt.Sprintf("Node %s status is now: CIDRNotAvailable", s.node.Name),
	})
	return plan.Wait(time.Minute, fmt.Errorf("allocating a range to node %s: none is free in %s", s.node.Name, s.cluster))
}
