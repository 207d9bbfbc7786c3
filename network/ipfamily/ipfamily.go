package ipfamily

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// Family is one of the two.
type Family corev1.IPFamily

// The families, by Kubernetes' names for them.
const (
	IPv4 = Family(corev1.IPv4Protocol)
	IPv6 = Family(corev1.IPv6Protocol)
)

// All are both, in the order in which they are gone through.
var All = []Family{IPv4, IPv6}

// Of is the family of an address. One of IPv4 that is written as one of IPv6 is of IPv4.
func Of(address netip.Addr) Family {
	if address.Unmap().Is4() {
		return IPv4
	}
	return IPv6
}

// Among are the families of some ranges; IPv4 alone where there is none.
func Among(ranges ...netip.Prefix) []Family {
	var all []Family
	for _, f := range All {
		if f.Range(ranges).IsValid() {
			all = append(all, f)
		}
	}
	if len(all) == 0 {
		return []Family{IPv4}
	}
	return all
}

// Has says that an address is of the family.
func (f Family) Has(address netip.Addr) bool { return address.IsValid() && Of(address) == f }

// Range is the first of some ranges that is of the family; not valid if none is.
func (f Family) Range(ranges []netip.Prefix) netip.Prefix {
	if i := slices.IndexFunc(ranges, func(r netip.Prefix) bool { return f.Has(r.Addr()) }); i >= 0 {
		return ranges[i]
	}
	return netip.Prefix{}
}

// Address is the first of some addresses, as they are written, that is of the family; not valid if none is.
func (f Family) Address(texts ...string) netip.Addr {
	for _, text := range texts {
		if address, err := netip.ParseAddr(text); err == nil && f.Has(address) {
			return address.Unmap()
		}
	}
	return netip.Addr{}
}

// AddressType is what EndpointSlices call the family.
func (f Family) AddressType() discoveryv1.AddressType { return discoveryv1.AddressType(f) }

// Loopback are the addresses by which a machine reaches itself.
func (f Family) Loopback() netip.Prefix {
	if f == IPv4 {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{127}), 8)
	}
	return netip.PrefixFrom(netip.IPv6Loopback(), 128)
}

// Keyword begins what nftables says of a packet's addresses: "ip saddr", "ip6 saddr".
func (f Family) Keyword() string {
	if f == IPv4 {
		return "ip"
	}
	return "ip6"
}

// ElementType is what nftables calls the type of an address in a set.
func (f Family) ElementType() string {
	if f == IPv4 {
		return "ipv4_addr"
	}
	return "ipv6_addr"
}

// Suffix ends the name of what a table has for each family, and IPv4 has under its plain name.
func (f Family) Suffix() string {
	if f == IPv4 {
		return ""
	}
	return "-ipv6"
}
