package bridge

import (
	"flag"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// home is a network with everything set.
func home() Options {
	return Options{
		Name:        "home",
		PodCIDR:     netip.MustParsePrefix("10.84.3.0/24"),
		ClusterCIDR: netip.MustParsePrefix("10.84.0.0/16"),
		ServiceCIDR: netip.MustParsePrefix("10.96.0.0/16"),
		Dir:         "/var/lib/orrery/home/cni",
	}
}

func with(change func(*Options)) Options {
	o := home()
	change(&o)
	return o
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name    string
		options Options
		says    string // empty where nothing is wrong
	}{
		{"accepts a network with everything", home(), ""},
		{"accepts one without services and other nodes", with(func(o *Options) { o.ServiceCIDR, o.ClusterCIDR = netip.Prefix{}, netip.Prefix{} }), ""},
		{"refuses a name with a slash", with(func(o *Options) { o.Name = "a/b" }), `name "a/b": use lower-case letters`},
		{"refuses no name", with(func(o *Options) { o.Name = "" }), "use lower-case letters"},
		{"refuses no range", with(func(o *Options) { o.PodCIDR = netip.Prefix{} }), "give an IPv4 range"},
		{"refuses IPv6", with(func(o *Options) { o.PodCIDR = netip.MustParsePrefix("fd00::/64") }), "give an IPv4 range"},
		{"refuses a range without room", with(func(o *Options) { o.PodCIDR = netip.MustParsePrefix("10.84.3.0/30") }), "at least 8 addresses"},
		{"corrects host bits", with(func(o *Options) { o.PodCIDR = netip.MustParsePrefix("10.84.3.7/24") }), "did you mean 10.84.3.0/24?"},
		{"refuses pods outside the cluster", with(func(o *Options) { o.ClusterCIDR = netip.MustParsePrefix("10.85.0.0/16") }), "does not contain the pod range"},
		{"refuses a cluster within a node", with(func(o *Options) { o.ClusterCIDR = netip.MustParsePrefix("10.84.3.0/26") }), "does not contain the pod range"},
		{"refuses services among pods", with(func(o *Options) { o.ServiceCIDR = netip.MustParsePrefix("10.84.128.0/20") }), "overlap"},
		{"refuses no directory", with(func(o *Options) { o.Dir = "" }), "a directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := New(c.options)
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("the error is %v, want %q in it", err, c.says)
			}
		})
	}
}

func TestNamesFitTheKernelAndDiffer(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"home", "a", "exactly-11", "exactly-111", "a-name-that-is-too-long", "a-name-that-is-too-long-too"} {
		n, err := New(with(func(o *Options) { o.Name = name }))
		if err != nil {
			t.Fatal(err)
		}
		device := n.Interface()
		if len(device) > maxInterfaceName {
			t.Errorf("the interface of %s is %s: %d bytes, the kernel takes %d", name, device, len(device), maxInterfaceName)
		}
		if other, taken := seen[device]; taken {
			t.Errorf("%s and %s have the same interface %s", name, other, device)
		}
		seen[device] = name
	}
}

func TestConflistAgainstGoldenFile(t *testing.T) {
	n, err := New(home())
	if err != nil {
		t.Fatal(err)
	}
	for file, passage := range map[string]Passage{"testdata/routed.conflist": Routed, "testdata/bridged.conflist": Bridged} {
		got, err := n.Conflist(passage)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("the configuration differs from %s (-want +got; -update writes it anew):\n%s", file, diff)
		}
	}
}
