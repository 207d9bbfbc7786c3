package nodeipam

import (
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options Options
		want    string // a part of the error; empty means none
	}{
		{"no range", Options{}, ""},
		{"one of IPv4", Options{ClusterCIDRs: prefixes("10.0.0.0/16")}, ""},
		{"one of each family", Options{ClusterCIDRs: prefixes("fd00::/56", "10.0.0.0/16")}, ""},
		{"two of one family", Options{ClusterCIDRs: prefixes("10.0.0.0/16", "10.1.0.0/16")}, "want one range, or two of which one is IPv4 and one IPv6"},
		{"three", Options{ClusterCIDRs: prefixes("10.0.0.0/16", "fd00::/56", "10.1.0.0/16")}, "want one range, or two"},
		{"just as much as a node gets", Options{ClusterCIDRs: prefixes("10.0.0.0/24", "fd00::/64")}, ""},
		{"less than a node gets", Options{ClusterCIDRs: prefixes("10.0.0.0/25")}, "10.0.0.0/25: a node gets a /24 of it, want that from /25 to /32"},
		{"less of IPv6", Options{ClusterCIDRs: prefixes("10.0.0.0/16", "fd00::/80")}, "fd00::/80: a node gets a /64 of it, want that from /80 to /128"},
		{"enough, where a node gets less", Options{ClusterCIDRs: prefixes("10.0.0.0/25", "fd00::/80"), NodeCIDRMaskSizeIPv4: 28, NodeCIDRMaskSizeIPv6: 96}, ""},
		{"of which a node gets less than an address", Options{ClusterCIDRs: prefixes("10.0.0.0/16"), NodeCIDRMaskSizeIPv4: 33}, "/33"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.options.Check()
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v, want %q in it", err, tt.want)
			}
		})
	}
}
