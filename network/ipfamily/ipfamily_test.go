package ipfamily

import (
	"net/netip"
	"slices"
	"testing"
)

func TestTheFamiliesOfSomeRanges(t *testing.T) {
	v4, v6 := netip.MustParsePrefix("10.84.0.0/16"), netip.MustParsePrefix("fd00::/48")
	for _, test := range []struct {
		name   string
		ranges []netip.Prefix
		want   []Family
	}{
		{"IPv4 where nobody says", nil, []Family{IPv4}},
		{"IPv4 where the only range says nothing", []netip.Prefix{{}}, []Family{IPv4}},
		{"IPv4 alone", []netip.Prefix{v4}, []Family{IPv4}},
		{"IPv6 alone", []netip.Prefix{v6}, []Family{IPv6}},
		{"both in one order, whichever comes first", []netip.Prefix{v6, v4}, []Family{IPv4, IPv6}},
	} {
		if got := Among(test.ranges...); !slices.Equal(got, test.want) {
			t.Errorf("%s: they are %v, want %v", test.name, got, test.want)
		}
	}
}

func TestWhichOfSomeAddressesIsOfAFamily(t *testing.T) {
	for _, test := range []struct {
		name         string
		texts        []string
		want4, want6 string
	}{
		{"one of each", []string{"fd00::5", "10.84.0.5"}, "10.84.0.5", "fd00::5"},
		{"the first one of several", []string{"10.84.0.5", "10.84.0.6"}, "10.84.0.5", "invalid IP"},
		{"one of IPv4 in the clothes of IPv6", []string{"::ffff:10.84.0.5"}, "10.84.0.5", "invalid IP"},
		{"none among what is no address", []string{"", "web.example.com"}, "invalid IP", "invalid IP"},
	} {
		if got4, got6 := IPv4.Address(test.texts...).String(), IPv6.Address(test.texts...).String(); got4 != test.want4 || got6 != test.want6 {
			t.Errorf("%s: they are %s and %s, want %s and %s", test.name, got4, got6, test.want4, test.want6)
		}
	}
}
