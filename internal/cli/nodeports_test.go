package cli

import (
	"fmt"
	"net/netip"
	"testing"
)

func TestOnWhichAddressesNodePortsAreServed(t *testing.T) {
	node := []netip.Addr{netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("fd00::7")}
	for _, c := range []struct {
		name, text string
		written    string // by the flag
		want       string
		wrong      bool
	}{
		{"on all", "", "", "[]", false},
		{"on those of the Node", "primary", "primary", "[192.0.2.7/32 fd00::7/128]", false},
		{"on those of some ranges", "192.0.2.0/24, fd00::/64", "192.0.2.0/24,fd00::/64", "[192.0.2.0/24 fd00::/64]", false},
		{"not on an address without a length", "192.0.2.7", "", "", true},
		{"not on the Node's and others", "primary,192.0.2.0/24", "", "", true},
	} {
		var n nodePortAddresses
		if err := n.Set(c.text); (err != nil) != c.wrong {
			t.Errorf("%s: the error is %v", c.name, err)
		} else if err == nil && (n.String() != c.written || fmt.Sprint(n.of(node)) != c.want) {
			t.Errorf("%s: they are %v, written %q", c.name, n.of(node), n.String())
		}
	}
}
