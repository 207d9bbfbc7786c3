package loadbalancer

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestParsePool(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string // all addresses
		wrong      string   // a part of the error; empty if there is none
	}{
		{"leaves out the network's own addresses", "192.0.2.0/30", []string{"192.0.2.1", "192.0.2.2"}, ""},
		{"takes both of two, which have no network", "192.0.2.0/31", []string{"192.0.2.0", "192.0.2.1"}, ""},
		{"takes one", "192.0.2.7/32", []string{"192.0.2.7"}, ""},
		{"corrects host bits", "192.0.2.1/30", []string{"192.0.2.1", "192.0.2.2"}, ""},
		{"takes the ends of a range", "192.0.2.254-192.0.3.1", []string{"192.0.2.254", "192.0.2.255", "192.0.3.0", "192.0.3.1"}, ""},
		{"takes several, with spaces", "192.0.2.9/32, 192.0.2.3 - 192.0.2.4", []string{"192.0.2.9", "192.0.2.3", "192.0.2.4"}, ""},
		{"ends where addresses end", "255.255.255.254-255.255.255.255", []string{"255.255.255.254", "255.255.255.255"}, ""},
		{"takes IPv6", "2001:db8::/126", []string{"2001:db8::1", "2001:db8::2"}, ""},
		{"takes both families", "192.0.2.7/32,2001:db8::7-2001:db8::8", []string{"192.0.2.7", "2001:db8::7", "2001:db8::8"}, ""},
		{"refuses a range from one family to the other", "192.0.2.7-2001:db8::7", nil, `"192.0.2.7-2001:db8::7" is no range of addresses`},
		{"refuses a range that runs backwards", "192.0.2.4-192.0.2.3", nil, "is no range"},
		{"refuses nothing", "", nil, `"" is no range`},
		{"refuses a single address without a length", "192.0.2.4", nil, "want one such as"},
	} {
		t.Run(c.name, func(t *testing.T) {
			pool, err := ParsePool(c.text)
			if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
				t.Fatalf("the error is %v, want %q in it", err, c.wrong)
			}
			var got []string
			for ip := range pool.All() {
				got = append(got, ip.String())
				if !pool.Contains(ip) {
					t.Errorf("it does not contain its own %s", ip)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("the addresses are %v, want %v", got, c.want)
			}
			if pool.Contains(netip.MustParseAddr("198.51.100.1")) {
				t.Error("it contains what lies elsewhere")
			}
		})
	}
}
