package nodeipam

import (
	"net"
	"net/netip"
	"slices"
	"testing"

	"k8s.io/kubernetes/pkg/controller/nodeipam/ipam/cidrset"
	"pgregory.net/rapid"
)

// A set hands out what kube-controller-manager's does that has just been started, in the same order.
func TestASetIsUpstreams(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cluster := netip.MustParsePrefix("10.0.0.0/26")
		if rapid.Bool().Draw(t, "IPv6") {
			cluster = netip.MustParsePrefix("fd00::/122")
		}
		bits := cluster.Bits() + rapid.IntRange(0, 4).Draw(t, "bits")
		upstream, err := cidrset.NewCIDRSet(ipNet(cluster), bits)
		if err != nil {
			t.Fatal(err)
		}
		var taken []netip.Prefix
		for range rapid.IntRange(0, 5).Draw(t, "taken") {
			octets := cluster.Addr().AsSlice()
			octets[len(octets)-1] = rapid.ByteRange(0, 63).Draw(t, "address")
			addr, _ := netip.AddrFromSlice(octets)
			prefix := netip.PrefixFrom(addr, cluster.Bits()+rapid.IntRange(0, 6).Draw(t, "length")).Masked()
			taken = append(taken, prefix)
			if err := upstream.Occupy(ipNet(prefix)); err != nil {
				t.Fatal(err)
			}
		}
		var want []string
		for {
			next, err := upstream.AllocateNext()
			if err != nil {
				break
			}
			want = append(want, next.String())
		}
		if got := free(newCIDRSet(cluster, bits, taken), 100); !slices.Equal(got, want) {
			t.Errorf("with %v taken they are %v, want %v", taken, got, want)
		}
	})
}

func ipNet(prefix netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen())}
}
