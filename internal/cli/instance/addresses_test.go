package instance

import (
	"net/netip"
	"os"
	"strings"
	"testing"
)

func TestWhichRangesAnInstanceHas(t *testing.T) {
	pods, podsIPv6 := netip.MustParsePrefix("10.77.0.0/16"), netip.MustParsePrefix("fd00:77::/48")
	services, servicesIPv6 := netip.MustParsePrefix("10.78.0.0/16"), netip.MustParsePrefix("fd00:78::/112")
	both := Addresses{pods, services, podsIPv6, servicesIPv6}
	for _, c := range []struct {
		name          string
		chosen, again Addresses
		started       bool   // between the two choices
		wrong         string // a part of the error of the second one
		want          Addresses
	}{
		{"those that were chosen", both, Addresses{}, true, "", both},
		{"the same when they are chosen again", both, both, true, "", both},
		{"others before anything has been made with them", Addresses{Pods: pods}, both, false, "", both},
		{"no others once it was started", both, Addresses{Pods: netip.MustParsePrefix("10.79.0.0/16")}, true, "was started with the ranges [10.77.0.0/16 fd00:77::/48]", both},
		{"no second one once it was started", Addresses{Pods: pods, Services: services}, both, true, "start another instance with --name", Addresses{Pods: pods, Services: services}},
		{"none that this machine is in", both, Addresses{Pods: netip.MustParsePrefix("127.0.0.0/16")}, false, "in use on this machine", both},
	} {
		t.Run(c.name, func(t *testing.T) {
			inst := prepared(t, t.TempDir(), "orrery")
			if err := inst.SettleAddresses(c.chosen); err != nil {
				t.Fatal(err)
			}
			if c.started {
				if err := os.MkdirAll(inst.Path("apiserver", "pki"), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			err := inst.SettleAddresses(c.again)
			if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("the error is %v, want %q in it", err, c.wrong)
			}
			s, err := inst.Settle()
			if err != nil || s.Addresses != c.want {
				t.Errorf("it has %v (%v), want %v", s.Addresses, err, c.want)
			}
		})
	}
}

func TestWhatNobodyHasChosenTheInstanceChooses(t *testing.T) {
	inst := prepared(t, t.TempDir(), "orrery")
	expected, err := inst.Expected()
	if err != nil {
		t.Fatal(err)
	}
	if err := inst.SettleAddresses(Addresses{Pods: expected.Pods}); err != nil { // which it would have chosen itself
		t.Fatal(err)
	}
	s, err := inst.Settle()
	if err != nil || s.Addresses.Pods != expected.Pods || !s.Addresses.Services.IsValid() || s.Addresses.Services.Overlaps(s.Addresses.Pods) {
		t.Errorf("it has %v (%v)", s.Addresses, err)
	}
}
