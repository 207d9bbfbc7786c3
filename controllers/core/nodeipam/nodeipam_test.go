package nodeipam

import (
	"context"
	"fmt"
	"net/netip"
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func prefixes(cidrs ...string) []netip.Prefix {
	prefixes := make([]netip.Prefix, len(cidrs))
	for i, cidr := range cidrs {
		prefixes[i] = netip.MustParsePrefix(cidr)
	}
	return prefixes
}

func TestFirstFree(t *testing.T) {
	for _, test := range []struct {
		name   string
		within string
		bits   int
		taken  []netip.Prefix
		want   string
	}{
		{"the first range of an empty one", "10.0.0.0/16", 24, nil, "10.0.0.0/24"},
		{"the one behind those that are taken", "10.0.0.0/16", 24, prefixes("10.0.0.0/24", "10.0.1.0/24"), "10.0.2.0/24"},
		{"a gap", "10.0.0.0/16", 24, prefixes("10.0.0.0/24", "10.0.2.0/24"), "10.0.1.0/24"},
		{"behind a larger one", "10.0.0.0/16", 24, prefixes("10.0.0.0/20"), "10.0.16.0/24"},
		{"around a smaller one", "10.0.0.0/16", 24, prefixes("10.0.0.128/28"), "10.0.1.0/24"},
		{"not in a range that contains it", "10.0.0.0/16", 24, prefixes("10.0.0.0/8"), ""},
		{"the last one", "255.255.254.0/23", 24, prefixes("255.255.254.0/24"), "255.255.255.0/24"},
		{"none in a full one that ends where addresses end", "255.255.254.0/23", 24, prefixes("255.255.254.0/24", "255.255.255.0/24"), ""},
		{"none that is larger than the whole", "10.0.0.0/24", 16, nil, ""},
		{"the whole", "10.0.0.0/24", 24, nil, "10.0.0.0/24"},
		{"of IPv6", "fd00::/48", 64, prefixes("fd00::/64", "fd00:0:0:1::/64"), "fd00:0:0:2::/64"},
	} {
		t.Run(test.name, func(t *testing.T) {
			free, ok := firstFree(netip.MustParsePrefix(test.within), test.bits, test.taken)
			if got := free.String(); ok && got != test.want || !ok && test.want != "" {
				t.Errorf("it is %s, want %q", got, test.want)
			}
		})
	}
}

// TestNoTwoNodesShareAddresses lets nodes come and go, under both namings, and checks after every write that no two have
// ranges that overlap, and in the end that each has one of each family.
func TestNoTwoNodesShareAddresses(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			CurrentLists: true, // as in our managers: see loop.NewInformer
			Scheme:       scheme,
			Loops: []loop.Loop{Loop(Options{
				Cluster: prefixes("10.0.0.0/20", "fd00::/56"), Service: prefixes("10.0.1.0/24"),
			})},
			Start: func(t *rapid.T) []client.Object {
				var nodes []client.Object
				for i := range rapid.IntRange(0, 4).Draw(t, "nodes") {
					n := &ocorev1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("n%d", i)}}
					if rapid.Bool().Draw(t, "has") {
						n.Spec.PodCIDR = fmt.Sprintf("10.0.%d.0/24", i+2)
						n.Spec.PodCIDRs = []string{n.Spec.PodCIDR, fmt.Sprintf("fd00:0:0:%d::/64", i)}
					}
					nodes = append(nodes, n)
				}
				return nodes
			},
			Change:     comeOrGo,
			Invariants: []looptest.Invariant{noOverlap},
			Converged: func(w *looptest.World) error {
				for _, n := range looptest.All[*ocorev1.Node](w) {
					if len(n.Spec.PodCIDRs) != 2 {
						return fmt.Errorf("node %s has %v", n.Name, n.Spec.PodCIDRs)
					}
				}
				return nil
			},
		})
	})
}

func comeOrGo(t *rapid.T, w *looptest.World) {
	nodes := looptest.All[*ocorev1.Node](w)
	var err error
	switch {
	case len(nodes) > 0 && rapid.IntRange(0, 2).Draw(t, "goes") == 0:
		err = w.Client("user").Delete(context.Background(), nodes[rapid.IntRange(0, len(nodes)-1).Draw(t, "node")].DeepCopy())
	case len(nodes) < 10:
		err = w.Client("user").Create(context.Background(), &ocorev1.Node{ObjectMeta: metav1.ObjectMeta{GenerateName: "n-"}})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func noOverlap(w *looptest.World, _ looptest.Write) error {
	nodes := looptest.All[*ocorev1.Node](w)
	for i, a := range nodes {
		for _, b := range nodes[:i] {
			for _, x := range ranges(a) {
				for _, y := range ranges(b) {
					if x.Overlaps(y) {
						return fmt.Errorf("node %s has %s, node %s has %s", a.Name, x, b.Name, y)
					}
				}
			}
		}
	}
	return nil
}

func TestANodeThatGetsNoRangeSaysSo(t *testing.T) {
	c := controller{Options{Cluster: prefixes("10.0.0.0/24")}}
	w := world{nodes: []ocorev1.Node{*gen.Node("a"), *gen.Node("b")}}
	w.nodes[0].Spec.PodCIDR = "10.0.0.0/24"
	p := c.Plan(loop.All, w, metav1.Now().Time)
	if got, want := p.String(), "nothing to do\nlook again in 1m0s: a range may be free in 10.0.0.0/24 for node b then"; got != want {
		t.Errorf("the plan is %s, want %s", got, want)
	}
	if got, want := p.All()[0].String(), "event Normal CIDRNotAvailable for Node b"; got != want {
		t.Errorf("what is said is %s, want %s", got, want)
	}
}
