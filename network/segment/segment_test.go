package segment

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

func home() Options {
	return Options{Name: "home", Ranges: ranges("10.84.255.0/24"), ClusterCIDRs: ranges("10.84.0.0/16")}
}

// dualHome is one whose nodes have addresses of both families.
func dualHome() Options {
	return Options{Name: "home", Ranges: ranges("10.84.255.0/24", "fd00:84:0:ffff::/64"), ClusterCIDRs: ranges("10.84.0.0/16", "fd00:84::/48")}
}

func ranges(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Options)
		says   string // empty where nothing is wrong
	}{
		{"accepts a range within the cluster's", func(*Options) {}, ""},
		{"refuses no name", func(o *Options) { o.Name = "" }, "a name is needed"},
		{"accepts one of each family", func(o *Options) { *o = dualHome() }, ""},
		{"refuses IPv6 alone", func(o *Options) { o.Ranges = ranges("fd00::/64") }, "give an IPv4 range"},
		{"refuses a range of IPv6 outside of the cluster's", func(o *Options) { *o = dualHome(); o.Ranges = ranges("10.84.255.0/24", "fd00:85::/64") }, "does not contain"},
		{"refuses a range without room", func(o *Options) { o.Ranges = ranges("10.84.255.0/25") }, "at least 256 addresses"},
		{"corrects host bits", func(o *Options) { o.Ranges = ranges("10.84.255.7/24") }, "did you mean 10.84.255.0/24?"},
		{"refuses a range outside of the cluster's", func(o *Options) { o.Ranges = ranges("10.85.0.0/24") }, "does not contain"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := home()
			c.change(&o)
			_, err := New(o)
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("the error is %v, want %q in it", err, c.says)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	s, err := New(home())
	if err != nil {
		t.Fatal(err)
	}
	dual, err := New(dualHome())
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(dual.networks(3)); got != "[10.84.255.3/24 fd00:84:0:ffff::3/64]" {
		t.Errorf("node 3 of both families has %s", got)
	}
	for n, want := range map[int]string{1: "10.84.255.1", 2: "10.84.255.2", MaxNodes: "10.84.255.100"} {
		if got := s.Address(n).String(); got != want {
			t.Errorf("node %d has %s, want %s", n, got, want)
		}
	}
}

func TestNamesFitTheKernelAndDiffer(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"home", "a", "exactly-11", "exactly-111", "a-name-that-is-too-long", "a-name-that-is-too-long-too"} {
		for _, device := range []string{InterfaceName(name), PortName(name, 2), PortName(name, 3), PortName(name, MaxNodes)} {
			if len(device) > maxInterfaceName {
				t.Errorf("a device of %s is %s: %d bytes, the kernel takes %d", name, device, len(device), maxInterfaceName)
			}
			if other, taken := seen[device]; taken {
				t.Errorf("%s and %s have the same device %s", name, other, device)
			}
			seen[device] = name
		}
	}
}
