package nodeipam

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world are all nodes, by name. They are those of the cache itself, and must not be changed.
type world struct{ nodes []ocorev1.Node }

// Observe reads all nodes: which ranges are free depends on all of them.
func (Controller) Observe(ctx context.Context, view loop.View, _ client.ObjectKey) (world, error) {
	var nodes ocorev1.NodeList
	if err := view.List(ctx, &nodes, client.UnsafeDisableDeepCopy); err != nil {
		return world{}, fmt.Errorf("listing nodes: %w", err)
	}
	slices.SortFunc(nodes.Items, func(a, b ocorev1.Node) int { return cmp.Compare(a.Name, b.Name) })
	return world{nodes.Items}, nil
}

// podCIDRs are the ranges that a node has. What is no range takes no addresses.
func podCIDRs(node *ocorev1.Node) []netip.Prefix {
	var prefixes []netip.Prefix
	for _, cidr := range append([]string{node.Spec.PodCIDR}, node.Spec.PodCIDRs...) {
		if prefix, err := netip.ParsePrefix(cidr); err == nil {
			prefixes = append(prefixes, prefix.Masked())
		}
	}
	return prefixes
}
