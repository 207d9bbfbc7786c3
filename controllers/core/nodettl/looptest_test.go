package nodettl

import (
	"fmt"
	"testing"

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

// TestAllNodesAreToldTheSame lets nodes come and go about the bounds of two tiers, and have their numbers changed, under both namings:
// in the end all have the same, and one that clusters of their size may have.
func TestAllNodesAreToldTheSame(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{Loop()},
			Start: func(t *rapid.T) []client.Object {
				var nodes []client.Object
				seconds := rapid.SampledFrom([]string{"", "0", "15"}).Draw(t, "seconds")
				for i := range rapid.SampledFrom([]int{2, 89, 91, 99, 101}).Draw(t, "nodes") {
					nodes = append(nodes, gen.Node(fmt.Sprintf("n%d", i), tells(seconds)))
				}
				return nodes
			},
			Change:    comeGoOrChange,
			Converged: allTheSame,
		})
	})
}

func comeGoOrChange(t *rapid.T, w *looptest.World) {
	nodes := looptest.All[*ocorev1.Node](w)
	node := nodes[rapid.IntRange(0, len(nodes)-1).Draw(t, "node")]
	switch rapid.IntRange(0, 2).Draw(t, "what") {
	case 0:
		if err := w.Client("user").Create(t.Context(), &ocorev1.Node{ObjectMeta: metav1.ObjectMeta{GenerateName: "more-"}}); err != nil {
			t.Fatal(err)
		}
	case 1:
		if len(nodes) > 1 {
			if err := w.Client("user").Delete(t.Context(), node.DeepCopy()); err != nil {
				t.Fatal(err)
			}
		}
	default:
		looptest.Edit(w, "user", node, tells("15"))
	}
}

func allTheSame(w *looptest.World) error {
	nodes := looptest.All[*ocorev1.Node](w)
	told := nodes[0].Annotations[corev1.ObjectTTLAnnotationKey]
	for _, node := range nodes {
		if seconds := node.Annotations[corev1.ObjectTTLAnnotationKey]; seconds != told {
			return fmt.Errorf("node %s is told %q, and node %s %q", nodes[0].Name, told, node.Name, seconds)
		}
	}
	for _, tier := range tiers {
		if tier.seconds == told && tier.least <= len(nodes) && len(nodes) <= tier.most {
			return nil
		}
	}
	return fmt.Errorf("%d nodes are told %q", len(nodes), told)
}
