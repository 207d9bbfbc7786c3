package servicecidr

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// ranges are those of a ServiceCIDR. What is none, which validation keeps out, is left out.
func ranges(cidr *networkingv1.ServiceCIDR) []netip.Prefix {
	var prefixes []netip.Prefix
	for _, text := range cidr.Spec.CIDRs {
		if prefix, err := netip.ParsePrefix(text); err == nil {
			prefixes = append(prefixes, prefix)
		}
	}
	return prefixes
}

// covers are the other ServiceCIDRs that one which is being deleted can count on.
func covers(cidr *networkingv1.ServiceCIDR, all []networkingv1.ServiceCIDR) []*networkingv1.ServiceCIDR {
	var others []*networkingv1.ServiceCIDR
	for i := range all {
		if other := &all[i]; other.Name != cidr.Name && outlives(other, cidr) {
			others = append(others, other)
		}
	}
	return others
}

// outlives reports that a ServiceCIDR goes after another one, which is being deleted.
func outlives(other, cidr *networkingv1.ServiceCIDR) bool {
	switch {
	case other.DeletionTimestamp == nil:
		return true
	case other.DeletionTimestamp.Equal(cidr.DeletionTimestamp):
		return other.Name > cidr.Name
	default:
		return cidr.DeletionTimestamp.Before(other.DeletionTimestamp)
	}
}

// contained reports that each range of a ServiceCIDR lies in one of another's.
func contained(cidr *networkingv1.ServiceCIDR, others []*networkingv1.ServiceCIDR) bool {
	for _, prefix := range ranges(cidr) {
		if !slices.ContainsFunc(others, func(other *networkingv1.ServiceCIDR) bool {
			return slices.ContainsFunc(ranges(other), func(larger netip.Prefix) bool {
				return larger.Overlaps(prefix) && larger.Bits() <= prefix.Bits()
			})
		}) {
			return false
		}
	}
	return true
}

// orphanOf is one of some addresses that is in a ServiceCIDR and in none of the others; not valid if there is none.
func orphanOf(cidr *networkingv1.ServiceCIDR, others []*networkingv1.ServiceCIDR, addresses []networkingv1.IPAddress) netip.Addr {
	for i := range addresses {
		addr, ours := allocated(&addresses[i])
		if ours && addresses[i].Labels[networkingv1.LabelIPAddressFamily] == string(family(addr)) && holds(cidr, addr) &&
			!slices.ContainsFunc(others, func(other *networkingv1.ServiceCIDR) bool { return holds(other, addr) }) {
			return addr
		}
	}
	return netip.Addr{}
}

func family(addr netip.Addr) corev1.IPFamily {
	if addr.Is4() {
		return corev1.IPv4Protocol
	}
	return corev1.IPv6Protocol
}

// holds reports that Services may have got an address from a ServiceCIDR.
func holds(cidr *networkingv1.ServiceCIDR, addr netip.Addr) bool {
	return slices.ContainsFunc(ranges(cidr), func(prefix netip.Prefix) bool { return givesOut(prefix, addr) })
}

// givesOut reports that an address is in a range, and neither its first one nor, in IPv4, its last one.
func givesOut(prefix netip.Prefix, addr netip.Addr) bool {
	if !prefix.Contains(addr) || addr == prefix.Masked().Addr() {
		return false
	}
	return !addr.Is4() || prefix.Contains(addr.Next())
}
