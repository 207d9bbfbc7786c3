package nodeipam

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func prefixes(cidrs ...string) []netip.Prefix {
	prefixes := make([]netip.Prefix, len(cidrs))
	for i, cidr := range cidrs {
		prefixes[i] = netip.MustParsePrefix(cidr)
	}
	return prefixes
}

// free are up to n node CIDRs of a set.
func free(s *cidrSet, n int) []string {
	var all []string
	for range n {
		cidr, ok := s.allocate()
		if !ok {
			break
		}
		all = append(all, cidr.String())
	}
	return all
}

func TestAllocate(t *testing.T) {
	for _, test := range []struct {
		name    string
		cluster string
		bits    int
		taken   []netip.Prefix
		want    []string // the first three
	}{
		{"the first ones of an empty set", "10.0.0.0/16", 24, nil, []string{"10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"}},
		{"those behind what is taken", "10.0.0.0/16", 24, prefixes("10.0.0.0/24", "10.0.1.0/24"), []string{"10.0.2.0/24", "10.0.3.0/24", "10.0.4.0/24"}},
		{"a gap first", "10.0.0.0/16", 24, prefixes("10.0.0.0/24", "10.0.2.0/24"), []string{"10.0.1.0/24", "10.0.3.0/24", "10.0.4.0/24"}},
		{"around a larger range", "10.0.0.0/16", 24, prefixes("10.0.1.0/24", "10.0.16.0/20", "10.0.0.0/20"), []string{"10.0.32.0/24", "10.0.33.0/24", "10.0.34.0/24"}},
		{"around larger ranges that lie in each other", "10.0.0.0/16", 24, prefixes("10.0.0.0/22", "10.0.0.0/23", "10.0.2.0/23", "10.0.5.0/24"), []string{"10.0.4.0/24", "10.0.6.0/24", "10.0.7.0/24"}},
		{"not where a single address is taken", "10.0.0.0/16", 24, prefixes("10.0.0.129/32", "10.0.2.128/28"), []string{"10.0.1.0/24", "10.0.3.0/24", "10.0.4.0/24"}},
		{"none within a range that is taken", "10.0.0.0/16", 24, prefixes("10.0.0.0/8"), nil},
		{"none that lies elsewhere", "10.0.0.0/16", 24, prefixes("10.1.0.0/24", "9.0.0.0/8"), []string{"10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"}},
		{"the last one there is", "255.255.254.0/23", 24, prefixes("255.255.254.0/24"), []string{"255.255.255.0/24"}},
		{"none of a full set that ends where addresses end", "255.255.254.0/23", 24, prefixes("255.255.254.0/24", "255.255.255.0/24"), nil},
		{"none that is larger than the whole", "10.0.0.0/24", 16, nil, nil},
		{"none that is smaller than an address", "10.0.0.0/24", 33, nil, nil},
		{"the whole", "10.0.0.0/24", 24, nil, []string{"10.0.0.0/24"}},
		{"of IPv6", "fd00::/62", 64, prefixes("fd00::/64", "fd00:0:0:2::/64"), []string{"fd00:0:0:1::/64", "fd00:0:0:3::/64"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := free(newCIDRSet(netip.MustParsePrefix(test.cluster), test.bits, test.taken), 3)
			if !slices.Equal(got, test.want) {
				t.Errorf("they are %v, want %v", got, test.want)
			}
		})
	}
}

// A set with random ranges taken hands out just those node CIDRs that overlap none of them.
func TestAllocateLeavesNothingOutAndGivesNothingTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cluster := netip.MustParsePrefix("10.0.0.0/26")
		bits := rapid.IntRange(26, 30).Draw(t, "bits")
		var taken []netip.Prefix
		for range rapid.IntRange(0, 6).Draw(t, "taken") {
			addr := netip.AddrFrom4([4]byte{10, 0, 0, rapid.Byte().Draw(t, "address")})
			taken = append(taken, netip.PrefixFrom(addr, rapid.IntRange(24, 32).Draw(t, "length")))
		}
		var want []string
		for at := cluster.Addr(); at.IsValid() && cluster.Contains(at); at = after(netip.PrefixFrom(at, bits)) {
			candidate := netip.PrefixFrom(at, bits)
			if !slices.ContainsFunc(taken, candidate.Overlaps) {
				want = append(want, candidate.String())
			}
		}
		if got := free(newCIDRSet(cluster, bits, taken), 100); !slices.Equal(got, want) {
			t.Errorf("with %v taken they are %v, want %v", taken, got, want)
		}
	})
}
