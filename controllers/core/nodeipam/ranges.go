package nodeipam

import (
	"math/big"
	"net/netip"
)

// firstFree is the first range of a length in a larger one that overlaps none of those that are taken; ok is false if
// there is none.
func firstFree(within netip.Prefix, bits int, taken []netip.Prefix) (free netip.Prefix, ok bool) {
	if bits < within.Bits() || bits > within.Addr().BitLen() {
		return netip.Prefix{}, false
	}
	exact := map[netip.Prefix]bool{}
	var odd []netip.Prefix
	for _, prefix := range taken {
		if prefix.Bits() == bits {
			exact[prefix.Masked()] = true
		} else {
			odd = append(odd, prefix)
		}
	}
	for at := within.Addr(); at.IsValid() && within.Contains(at); {
		candidate := netip.PrefixFrom(at, bits)
		blocked := overlapping(candidate, odd)
		switch {
		case blocked.IsValid() && blocked.Bits() < bits:
			at = after(blocked)
		case blocked.IsValid() || exact[candidate]:
			at = after(candidate)
		default:
			return candidate, true
		}
	}
	return netip.Prefix{}, false
}

// overlapping is one of some ranges that overlaps a prefix; not valid if none does.
func overlapping(prefix netip.Prefix, ranges []netip.Prefix) netip.Prefix {
	for _, other := range ranges {
		if prefix.Overlaps(other) {
			return other.Masked()
		}
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
