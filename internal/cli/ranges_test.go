package cli

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/internal/cli/instance"
)

func TestWhichRangesMayBeChosen(t *testing.T) {
	for _, c := range []struct {
		name, pods, services string
		wrong                string // a part of the error; empty if there is none
	}{
		{"none", "", "", ""},
		{"those of pods alone", "10.244.0.0/16", "", ""},
		{"those of Services alone", "", "10.96.0.0/12", ""},
		{"one of each family", "10.244.0.0/16,fd00:10:244::/48", "10.96.0.0/16,fd00:10:96::/112", ""},
		{"with spaces", "10.244.0.0/16, fd00:10:244::/48", "10.96.0.0/16, fd00:10:96::/112", ""},
		{"what is no range", "ten", "", `--cluster-cidr "ten" is not a range`},
		{"two of one family", "10.244.0.0/16,10.245.0.0/16", "10.96.0.0/16,fd00::/112", "--cluster-cidr 10.244.0.0/16,10.245.0.0/16: want one range of IPv4, or one of IPv4 and then one of IPv6"},
		{"IPv6 first", "fd00:10:244::/48,10.244.0.0/16", "", "want one range of IPv4, or one of IPv4 and then one of IPv6"},
		{"IPv6 alone", "", "fd00::/112", "--service-cluster-ip-range fd00::/112: want one range of IPv4"},
		{"three", "10.244.0.0/16,fd00::/48,fd01::/48", "", "want one range of IPv4"},
		{"two for pods and one for Services", "10.244.0.0/16,fd00:10:244::/48", "10.96.0.0/16", "with two ranges of one, want two of the other"},
		{"two for pods and none for Services", "10.244.0.0/16,fd00:10:244::/48", "", "--service-cluster-ip-range -: with two ranges of one, want two of the other"},
		{"one that is too small", "10.244.0.0/23", "", "--cluster-cidr 10.244.0.0/23 is too small: want a prefix of at most /22"},
		{"one of IPv6 that is too small", "10.244.0.0/16,fd00::/64", "10.96.0.0/16,fd01::/112", "--cluster-cidr fd00::/64 is too small: want a prefix of at most /62"},
		{"Services that are too many", "10.244.0.0/16,fd00::/48", "10.96.0.0/16,fd01::/56", "--service-cluster-ip-range fd01::/56 is too large: want a prefix of at least /64"},
		{"one with host bits", "10.244.3.0/16", "", "did you mean 10.244.0.0/16?"},
		{"two that overlap", "10.96.0.0/14", "10.96.0.0/16", "--cluster-cidr 10.96.0.0/14 and --service-cluster-ip-range 10.96.0.0/16 overlap"},
		{"two of IPv6 that overlap", "10.244.0.0/16,fd00::/48", "10.96.0.0/16,fd00:0:0:1::/112", "overlap: choose two that do not"},
	} {
		o := rangeOptions{pods: c.pods, services: c.services}
		err := o.check()
		if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: the error is %v, want %q in it", c.name, err, c.wrong)
		}
	}
}

func TestThePartsOfARangeThatNoOtherNodeGets(t *testing.T) {
	a := instance.Addresses{Pods: netip.MustParsePrefix("10.244.0.0/16"), PodsIPv6: netip.MustParsePrefix("fd00:10:244::/48")}
	for _, c := range []struct {
		what string
		got  []netip.Prefix
		want string
	}{
		{"this machine's pods", nodeRanges(a), "[10.244.0.0/24 fd00:10:244::/64]"},
		{"nodes", nodesRanges(a), "[10.244.255.0/24 fd00:10:244:ffff::/64]"},
		{"load balancers", balancerRanges(a), "[10.244.254.0/24 fd00:10:244:fffe::/64]"},
		{"load balancers of the smallest ranges", balancerRanges(instance.Addresses{Pods: netip.MustParsePrefix("10.244.4.0/22"), PodsIPv6: netip.MustParsePrefix("fd00:0:0:4::/62")}), "[10.244.6.0/24 fd00:0:0:6::/64]"},
	} {
		if fmt.Sprint(c.got) != c.want {
			t.Errorf("%s have %v, want %s", c.what, c.got, c.want)
		}
	}
}
