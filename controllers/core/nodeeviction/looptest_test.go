package nodeeviction

import (
	"fmt"
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestTheRateOfAZone lets random nodes of two zones fail, come back and be replaced, under both namings: no two of a zone get
// the taint within 10 s, whatever became of the first and whatever the loop sees of the world; and in the end those that are
// ready do not have it.
func TestTheRateOfAZone(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			CurrentLists: true, // as in our managers: see loop.NewInformer
			Scheme:       scheme,
			Loops:        []loop.Loop{Loop()},
			Start: func(t *rapid.T) []client.Object {
				var nodes []client.Object
				for i := range rapid.IntRange(1, 6).Draw(t, "nodes") {
					zone := rapid.SampledFrom([]string{"here", "there"}).Draw(t, "zone")
					nodes = append(nodes, gen.Node(fmt.Sprintf("n%d", i), gen.NodeReady, gen.InZone(zone)))
				}
				return nodes
			},
			Change:     failOrRecover,
			Invariants: []looptest.Invariant{oneInAWhile()},
			Converged: func(w *looptest.World) error {
				for _, n := range looptest.All[*ocorev1.Node](w) {
					if key := taintKeyOf(n); key != "" && key != taintFor(n) {
						return fmt.Errorf("node %s has the taint %s", n.Name, key)
					}
				}
				return nil
			},
		})
	})
}

func failOrRecover(t *rapid.T, w *looptest.World) {
	nodes := looptest.All[*ocorev1.Node](w)
	n := nodes[rapid.IntRange(0, len(nodes)-1).Draw(t, "node")]
	status := rapid.SampledFrom([]corev1.ConditionStatus{
		corev1.ConditionTrue, corev1.ConditionFalse, corev1.ConditionUnknown,
	}).Draw(t, "ready")
	if rapid.IntRange(0, 5).Draw(t, "replaced") == 0 {
		again := gen.Node(n.Name, gen.NodeReady, gen.InZone(n.Labels[corev1.LabelTopologyZone]))
		again.UID, again.ResourceVersion = "", ""
		if err := w.Client("user").Delete(t.Context(), n.DeepCopy()); err != nil {
			t.Fatal(err)
		}
		if err := w.Client("agent").Create(t.Context(), again); err != nil {
			t.Fatal(err)
		}
		return
	}
	looptest.Edit(w, "agent", n, func(n *ocorev1.Node) {
		n.Status.Conditions = []corev1.NodeCondition{{
			Type: corev1.NodeReady, Status: status, LastTransitionTime: metav1.NewTime(w.Now()),
		}}
	})
}

// oneInAWhile is the invariant that no two nodes of a zone get the taint within 10 s. It remembers of each world when one
// got it last.
func oneInAWhile() looptest.Invariant {
	type place struct {
		world *looptest.World
		zone  string
	}
	last := map[place]time.Time{}
	return func(w *looptest.World, wrote looptest.Write) error {
		n, ok := wrote.After.(*ocorev1.Node)
		if !ok || wrote.Before == nil || taintOf(n) == nil || taintOf(wrote.Before.(*ocorev1.Node)) != nil {
			return nil
		}
		before, had := last[place{w, zoneOf(n)}]
		last[place{w, zoneOf(n)}] = w.Now()
		if age := w.Now().Sub(before); had && age < nodeEvictionInterval-time.Second { // taints tell the second only
			return fmt.Errorf("another node of zone %q got it %s ago", zoneOf(n), age)
		}
		return nil
	}
}
