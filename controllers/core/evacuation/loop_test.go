package evacuation

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

// TestNoTwoNodesAreEmptiedAtOnce lets random nodes fail and come back, under both namings: no two of them begin to be
// emptied within 10 s, whatever the loop sees of the world; and in the end those that are ready are not emptied.
func TestNoTwoNodesAreEmptiedAtOnce(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			CurrentLists: true, // as in our managers: see loop.NewInformer
			Scheme:       scheme,
			Loops:        []loop.Loop{Loop()},
			Start: func(t *rapid.T) []client.Object {
				var nodes []client.Object
				for i := range rapid.IntRange(1, 6).Draw(t, "nodes") {
					nodes = append(nodes, gen.Node(fmt.Sprintf("n%d", i), gen.NodeReady))
				}
				return nodes
			},
			Change:     failOrRecover,
			Invariants: []looptest.Invariant{oneAtATime},
			Converged: func(w *looptest.World) error {
				for _, n := range looptest.All[*ocorev1.Node](w) {
					if key := has(n); key != "" && key != due(n) {
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
	looptest.Edit(w, "agent", n, func(n *ocorev1.Node) {
		n.Status.Conditions = []corev1.NodeCondition{{
			Type: corev1.NodeReady, Status: status, LastTransitionTime: metav1.NewTime(w.Now()),
		}}
	})
}

// oneAtATime is the invariant that no two nodes begin to be emptied within 10 s.
func oneAtATime(w *looptest.World, wrote looptest.Write) error {
	n, ok := wrote.After.(*ocorev1.Node)
	if !ok || has(n) == "" || has(wrote.Before.(*ocorev1.Node)) != "" {
		return nil
	}
	for _, other := range looptest.All[*ocorev1.Node](w) {
		taint := taintOf(other)
		if other.Name == n.Name || taint == nil {
			continue
		}
		if age := w.Now().Sub(taint.TimeAdded.Time); age < pace-time.Second { // taints tell the second only
			return fmt.Errorf("node %s began to be emptied %s ago", other.Name, age)
		}
	}
	return nil
}
