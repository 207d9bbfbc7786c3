package servicecidr

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/orrery-dev/orrery/framework/loop"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is what holds up the end of a ServiceCIDR.
type world struct {
	// orphan is an address that no other ServiceCIDR holds; not valid if there is none.
	orphan netip.Addr
}

// Observe looks for addresses of a ServiceCIDR that is being deleted.
func (Controller) Observe(ctx context.Context, view loop.View, cidr *networkingv1.ServiceCIDR) (world, error) {
	if cidr.DeletionTimestamp == nil {
		return world{}, nil
	}
	return look(ctx, view, cidr)
}

// look reads the other ServiceCIDRs, and where they do not contain this one, the addresses.
func look(ctx context.Context, read client.Reader, cidr *networkingv1.ServiceCIDR) (world, error) {
	var list networkingv1.ServiceCIDRList
	if err := read.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return world{}, fmt.Errorf("listing ServiceCIDRs: %w", err)
	}
	others := covers(cidr, list.Items)
	if contained(cidr, others) {
		return world{}, nil
	}
	var addresses networkingv1.IPAddressList
	err := read.List(ctx, &addresses, client.MatchingLabels{networkingv1.LabelManagedBy: managedBy}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return world{}, fmt.Errorf("listing IPAddresses: %w", err)
	}
	return world{orphan: orphanOf(cidr, others, addresses.Items)}, nil
}

// managedBy is what the API server writes on the addresses that it gives to Services.
const managedBy = "ipallocator.k8s.io"

// allocated is the address that the API server has given to a Service; ours is false for any other.
func allocated(address *networkingv1.IPAddress) (addr netip.Addr, ours bool) {
	if address.Labels[networkingv1.LabelManagedBy] != managedBy {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(address.Name)
	return addr, err == nil
}
