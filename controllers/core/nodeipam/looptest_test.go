package nodeipam

import (
	"context"
	"fmt"
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

// TestNoTwoNodesShareAddresses lets nodes come and go, under both namings, and checks after every write that no two have
// ranges that overlap, and in the end that each has one of each family.
func TestNoTwoNodesShareAddresses(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			CurrentLists: true, // as in our managers: see loop.NewInformer
			Scheme:       scheme,
			Loops: []loop.Loop{Loop(Options{
				ClusterCIDRs: prefixes("10.0.0.0/20", "fd00::/56"), ServiceCIDRs: prefixes("10.0.1.0/24"),
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
			for _, x := range podCIDRs(a) {
				for _, y := range podCIDRs(b) {
					if x.Overlaps(y) {
						return fmt.Errorf("node %s has %s, node %s has %s", a.Name, x, b.Name, y)
					}
				}
			}
		}
	}
	return nil
}
