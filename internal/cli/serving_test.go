package cli

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestWhereTheServerListensAndWhatItAdvertises(t *testing.T) {
	none, gateway, outside := netip.Addr{}, netip.MustParseAddr("10.200.0.1"), netip.MustParseAddr("192.0.2.7")
	for name, c := range map[string]struct {
		o          servingOptions
		gateway    netip.Addr
		first      string
		advertised netip.Addr
		exposed    bool
	}{
		"on this machine alone by default":         {servingOptions{}, none, "127.0.0.1", none, false},
		"and for pods at their gateway":            {servingOptions{}, gateway, "127.0.0.1", gateway, false},
		"on all addresses":                         {servingOptions{bind: netip.MustParseAddr("0.0.0.0")}, gateway, "0.0.0.0", gateway, true},
		"on all addresses of both families":        {servingOptions{bind: netip.IPv6Unspecified()}, none, "::", none, true},
		"on one besides that of this machine":      {servingOptions{bind: outside}, none, "127.0.0.1", outside, true},
		"pods keep to their gateway":               {servingOptions{bind: outside}, gateway, "127.0.0.1", gateway, true},
		"what is advertised is what a person said": {servingOptions{bind: netip.MustParseAddr("0.0.0.0"), advertise: outside}, gateway, "0.0.0.0", outside, true},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.o.check(); err != nil {
				t.Fatal(err)
			}
			if got := c.o.first().String(); got != c.first {
				t.Errorf("the first listener is on %s, want %s", got, c.first)
			}
			if got := c.o.advertised(c.gateway); got != c.advertised {
				t.Errorf("it advertises %s, want %s", got, c.advertised)
			}
			if c.o.exposed() != c.exposed {
				t.Errorf("others can reach it: %v, want %v", c.o.exposed(), c.exposed)
			}
		})
	}
}

func TestNamesAndAddressesAreChecked(t *testing.T) {
	for name, c := range map[string]struct {
		o    servingOptions
		want string
	}{
		"a loopback address to advertise": {servingOptions{advertise: netip.MustParseAddr("127.0.0.1")}, "--advertise-address 127.0.0.1"},
		"all addresses to advertise":      {servingOptions{advertise: netip.MustParseAddr("0.0.0.0")}, "--advertise-address 0.0.0.0"},
		"a URL for a name":                {servingOptions{names: []string{"https://cp.example.com"}}, `--tls-san "https://cp.example.com"`},
		"a port with a name":              {servingOptions{names: []string{"cp.example.com:6443"}}, `--tls-san "cp.example.com:6443"`},
	} {
		if err := c.o.check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %s", name, err, c.want)
		}
	}
	good := servingOptions{names: []string{"cp.example.com", "*.example.com", "192.0.2.7", "2001:db8::7"}}
	if err := good.check(); err != nil {
		t.Error(err)
	}
}

func TestTheCertificateCoversTheMachineWhereOthersReachIt(t *testing.T) {
	home := servingOptions{names: []string{"cp.example.com"}}
	if err := home.check(); err != nil {
		t.Fatal(err)
	}
	if names, err := home.certified(); err != nil || !slices.Equal(names, home.names) {
		t.Errorf("at home it covers %v (%v), want what was named", names, err)
	}
	open := servingOptions{bind: netip.IPv4Unspecified()}
	names, err := open.certified()
	if err != nil {
		t.Fatal(err)
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		prefix, err := netip.ParsePrefix(address.String())
		if err == nil && prefix.Addr().IsGlobalUnicast() && !slices.Contains(names, prefix.Addr().String()) {
			t.Errorf("it covers %v, and not %s", names, prefix.Addr())
		}
	}
}

func TestEachListenerIsOpenedOnce(t *testing.T) {
	gateway := netip.MustParseAddr("127.0.0.3")
	for name, c := range map[string]struct {
		bind, gateway string
		others, pods  int
	}{
		"at home":                   {"127.0.0.1", "", 0, 0},
		"at home, with pods":        {"127.0.0.1", gateway.String(), 0, 1},
		"on one address":            {"127.0.0.2", "", 1, 0},
		"on one address, with pods": {"127.0.0.2", gateway.String(), 1, 1},
		"on that of the pods":       {gateway.String(), gateway.String(), 0, 1},
		"on all":                    {"0.0.0.0", gateway.String(), 0, 0},
	} {
		o := servingOptions{bind: netip.MustParseAddr(c.bind)}
		at := netip.Addr{}
		if c.gateway != "" {
			at = gateway
		}
		others, err := o.forOthers(t.Context(), 0, at)
		if err != nil {
			t.Fatal(err)
		}
		pods, err := o.forPods(t.Context(), 0, at)
		if err != nil {
			t.Fatal(err)
		}
		if len(others) != c.others || len(pods) != c.pods {
			t.Errorf("%s: %d listeners for others and %d for pods, want %d and %d", name, len(others), len(pods), c.others, c.pods)
		}
		for _, listener := range append(others, pods...) {
			_ = listener.Close() // nobody has connected
		}
	}
}

func TestAnAddressThatIsNotThisMachinesIsAnErrorThatNamesTheFlag(t *testing.T) {
	foreign := servingOptions{bind: netip.MustParseAddr("203.0.113.7")}
	if _, err := foreign.forOthers(t.Context(), 0, netip.Addr{}); err == nil || !strings.Contains(err.Error(), "--bind-address 203.0.113.7") {
		t.Errorf("got %v, want an error that names the flag", err)
	}
}
