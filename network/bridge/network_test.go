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
		Name:         "home",
		PodCIDRs:     ranges("10.84.3.0/24"),
		ClusterCIDRs: ranges("10.84.0.0/16"),
		ServiceCIDRs: ranges("10.96.0.0/16"),
		Dir:          "/var/lib/orrery/home/cni",
	}
}

// dualHome is one whose pods have addresses of both families.
func dualHome() Options {
	return with(func(o *Options) {
		o.PodCIDRs, o.ClusterCIDRs = ranges("10.84.3.0/24", "fd00:84:0:3::/64"), ranges("10.84.0.0/16", "fd00:84::/48")
		o.ServiceCIDRs = ranges("10.96.0.0/16", "fd00:96::/112")
	})
}

func ranges(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
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
		{"accepts one without services and other nodes", with(func(o *Options) { o.ServiceCIDRs, o.ClusterCIDRs = nil, nil }), ""},
		{"refuses a name with a slash", with(func(o *Options) { o.Name = "a/b" }), `name "a/b": use lower-case letters`},
		{"refuses no name", with(func(o *Options) { o.Name = "" }), "use lower-case letters"},
		{"accepts one of both families", dualHome(), ""},
		{"accepts one of IPv6", with(func(o *Options) { o.PodCIDRs, o.ClusterCIDRs = ranges("fd00::/64"), nil }), ""},
		{"refuses no range", with(func(o *Options) { o.PodCIDRs = nil }), "give one, such as 10.84.0.0/24"},
		{"refuses two ranges of one family", with(func(o *Options) { o.PodCIDRs = ranges("10.84.3.0/24", "10.84.4.0/24") }), "or one of IPv4 and one of IPv6"},
		{"refuses a range of IPv6 without room", with(func(o *Options) { o.PodCIDRs = ranges("fd00::/126") }), "at least 8 addresses"},
		{"refuses services among pods of IPv6", with(func(o *Options) {
			*o = dualHome()
			o.ServiceCIDRs = ranges("fd00:84:0:1::/112")
		}), "service range fd00:84:0:1::/112 and pod range fd00:84::/48 overlap"},
		{"refuses a range without room", with(func(o *Options) { o.PodCIDRs = ranges("10.84.3.0/30") }), "at least 8 addresses"},
		{"corrects host bits", with(func(o *Options) { o.PodCIDRs = ranges("10.84.3.7/24") }), "did you mean 10.84.3.0/24?"},
		{"refuses pods outside the cluster", with(func(o *Options) { o.ClusterCIDRs = ranges("10.85.0.0/16") }), "does not contain the pod range"},
		{"refuses a cluster within a node", with(func(o *Options) { o.ClusterCIDRs = ranges("10.84.3.0/26") }), "does not contain the pod range"},
		{"refuses services among pods", with(func(o *Options) { o.ServiceCIDRs = ranges("10.84.128.0/20") }), "overlap"},
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
	for file, of := range map[string]struct {
		options Options
		passage Passage
	}{
		"testdata/routed.conflist": {home(), Routed}, "testdata/bridged.conflist": {home(), Bridged},
		"testdata/routed-dual.conflist": {dualHome(), Routed}, "testdata/bridged-dual.conflist": {dualHome(), Bridged},
	} {
		n, err := New(of.options)
		if err != nil {
			t.Fatal(err)
		}
		got, err := n.Conflist(of.passage)
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
