package segment

import (
	"net/netip"
	"strings"
	"testing"
)

func home() Options {
	return Options{Name: "home", Range: netip.MustParsePrefix("10.84.255.0/24"), ClusterCIDR: netip.MustParsePrefix("10.84.0.0/16")}
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Options)
		says   string // empty where nothing is wrong
	}{
		{"accepts a range within the cluster's", func(*Options) {}, ""},
		{"refuses no name", func(o *Options) { o.Name = "" }, "a name is needed"},
		{"refuses IPv6", func(o *Options) { o.Range = netip.MustParsePrefix("fd00::/64") }, "give an IPv4 range"},
		{"refuses a range without room", func(o *Options) { o.Range = netip.MustParsePrefix("10.84.255.0/25") }, "at least 256 addresses"},
		{"corrects host bits", func(o *Options) { o.Range = netip.MustParsePrefix("10.84.255.7/24") }, "did you mean 10.84.255.0/24?"},
		{"refuses a range outside of the cluster's", func(o *Options) { o.Range = netip.MustParsePrefix("10.85.0.0/24") }, "does not contain"},
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
