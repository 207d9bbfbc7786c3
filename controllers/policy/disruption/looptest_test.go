package disruption

import (
	"context"
	"fmt"
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	opolicyv1 "github.com/orrery-dev/orrery/apis/policy/v1"
	"github.com/orrery-dev/orrery/controllers/internal/fakekubelet"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// least is how many pods have to be healthy.
const least = 2

// TestNeverTooManyAreEvicted lets pods get ready, come, and be evicted as the API server does it, under both namings: as long as
// nothing else takes pods away, so many as have to be healthy always are. In the end the status is true.
func TestNeverTooManyAreEvicted(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			CurrentLists: true, // as in our managers: see loop.NewInformer
			Scheme:       scheme,
			Loops:        []loop.Loop{Loop()},
			Start: func(t *rapid.T) []client.Object {
				objs := []client.Object{budget(fmt.Sprintf("min %d", least))}
				for i := range rapid.IntRange(least, 5).Draw(t, "pods") {
					objs = append(objs, gen.Pod(fmt.Sprintf("p%d", i), gen.Labelled("app", "web"), gen.Ready(gen.Ago(0))))
				}
				return objs
			},
			Prepare:     fakekubelet.DeletesGracefully,
			Change:      evictOrAdd,
			Environment: fakekubelet.Sync,
			Invariants:  []looptest.Invariant{enoughAreHealthy},
			Converged:   statusIsTrue,
		})
	})
}

// evictOrAdd adds a pod, or evicts one if the budget allows it. The deletion of one that is evicted may be lost.
func evictOrAdd(t *rapid.T, w *looptest.World) {
	b := looptest.All[*opolicyv1.PodDisruptionBudget](w)[0]
	pods := looptest.All[*ocorev1.Pod](w)
	if rapid.IntRange(0, 3).Draw(t, "what") == 0 {
		added := gen.Pod("", gen.Labelled("app", "web"))
		added.UID, added.GenerateName = "", "more-"
		if err := w.Client("user").Create(context.Background(), added); err != nil {
			t.Fatal(err)
		}
		return
	}
	pod := pods[rapid.IntRange(0, len(pods)-1).Draw(t, "pod")]
	if _, listed := b.Status.DisruptedPods[pod.Name]; listed || pod.DeletionTimestamp != nil || b.Status.DisruptionsAllowed == 0 {
		return
	}
	looptest.Edit(w, "evictor", b, func(b *opolicyv1.PodDisruptionBudget) {
		b.Status.DisruptionsAllowed--
		if b.Status.DisruptedPods == nil {
			b.Status.DisruptedPods = map[string]metav1.Time{}
		}
		b.Status.DisruptedPods[pod.Name] = metav1.NewTime(w.Now())
	})
	if rapid.IntRange(0, 3).Draw(t, "lost") == 0 {
		return
	}
	if err := w.Client("evictor").Delete(context.Background(), pod.DeepCopy()); err != nil {
		t.Fatal(err)
	}
}

func enoughAreHealthy(w *looptest.World, wrote looptest.Write) error {
	if n := healthyIn(w); wrote.By == "evictor" && wrote.Verb == "delete" && n < least {
		return fmt.Errorf("%d pods are healthy, and %d have to be", n, least)
	}
	return nil
}

func healthyIn(w *looptest.World) int32 {
	n := int32(0)
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		if pod.DeletionTimestamp == nil && replicas.Ready(pod) {
			n++
		}
	}
	return n
}

func statusIsTrue(w *looptest.World) error {
	s, n := looptest.All[*opolicyv1.PodDisruptionBudget](w)[0].Status, healthyIn(w)
	if s.CurrentHealthy != n || s.DisruptionsAllowed != max(0, n-least) || len(s.DisruptedPods) != 0 {
		return fmt.Errorf("%d pods are healthy, and the status is %+v", n, s)
	}
	return nil
}
