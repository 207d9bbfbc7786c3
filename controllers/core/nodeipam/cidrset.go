package nodeipam

import (
	"cmp"
	"math/big"
	"net/netip"
	"slices"
)

// cidrSet hands out the node CIDRs of one cluster CIDR in their order, without those that overlap what is taken. All of
// them together cost as much as the longer of two lists: what is taken, and what is handed out.
type cidrSet struct {
	cluster netip.Prefix
	// bits is the length of a node CIDR.
	bits int
	// taken are the node CIDRs in which an address is taken, but for those in larger.
	taken map[netip.Prefix]bool
	// larger are taken ranges that hold several node CIDRs, by their first addresses. Those that end before next are gone.
	larger []netip.Prefix
	// next is where the search goes on; not valid behind the last address there is.
	next netip.Addr
}

// newCIDRSet is the set of a cluster CIDR of which some ranges are taken, wherever they lie.
func newCIDRSet(cluster netip.Prefix, bits int, taken []netip.Prefix) *cidrSet {
	cluster = cluster.Masked()
	s := &cidrSet{cluster: cluster, bits: bits, taken: map[netip.Prefix]bool{}, next: cluster.Addr()}
	if bits < cluster.Bits() || bits > cluster.Addr().BitLen() {
		s.next = netip.Addr{} // no node CIDR fits in
		return s
	}
	for _, prefix := range taken {
		switch {
		case !prefix.Overlaps(cluster):
		case prefix.Bits() < bits:
			s.larger = append(s.larger, prefix.Masked())
		default:
			s.taken[netip.PrefixFrom(prefix.Addr(), bits).Masked()] = true
		}
	}
	slices.SortFunc(s.larger, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	return s
}

// allocate hands out the next free node CIDR; ok is false if there is none.
func (s *cidrSet) allocate() (free netip.Prefix, ok bool) {
	for s.next.IsValid() && s.cluster.Contains(s.next) {
		if larger := s.covering(s.next); larger.IsValid() {
			s.next = after(larger)
			continue
		}
		candidate := netip.PrefixFrom(s.next, s.bits)
		s.next = after(candidate)
		if !s.taken[candidate] {
			return candidate, true
		}
	}
	return netip.Prefix{}, false
}

// covering is a larger range that holds an address; not valid if none does. Addresses are asked for in their order.
func (s *cidrSet) covering(addr netip.Addr) netip.Prefix {
	for len(s.larger) > 0 && s.larger[0].Addr().Compare(addr) <= 0 {
		if s.larger[0].Contains(addr) {
			return s.larger[0]
		}
		s.larger = s.larger[1:]
	}
	return netip.Prefix{}
}

// after is the first address behind a range; not valid if the range reaches the last one there is.
func after(prefix netip.Prefix) netip.Addr {
	size := new(big.Int).Lsh(big.NewInt(1), uint(prefix.Addr().BitLen()-prefix.Bits()))
	next := size.Add(size, new(big.Int).SetBytes(prefix.Addr().AsSlice()))
	octets := make([]byte, prefix.Addr().BitLen()/8)
	if next.BitLen() > prefix.Addr().BitLen() {
		return netip.Addr{}
	}
	addr, _ := netip.AddrFromSlice(next.FillBytes(octets))
	return addr
}
