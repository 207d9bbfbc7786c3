package replicationcontroller

import (
	"fmt"
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
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

// most is the largest size that users ask for here.
const most = 4

// TestReplicationControllersConverge lets users resize a ReplicationController and disturb its pods, under both namings: it never has
// too many, adopts what it selects, and has as many as it asks for in the end.
func TestReplicationControllersConverge(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			CurrentLists: true, // as in our managers: see loop.NewInformer
			Scheme:       scheme,
			Loops:        []loop.Loop{Loop()},
			Start: func(t *rapid.T) []client.Object {
				return []client.Object{gen.ReplicationController("web", 2), gen.Pod("orphan", gen.Labelled("app", "web")), gen.Pod("passer-by", gen.Labelled("app", "other"))}
			},
			Prepare:     fakekubelet.DeletesGracefully,
			Change:      resizeOrDisturb,
			Environment: fakekubelet.Sync,
			Invariants:  []looptest.Invariant{neverTooMany},
			Converged:   asManyAsDesired,
		})
	})
}

func resizeOrDisturb(t *rapid.T, w *looptest.World) {
	if rapid.Bool().Draw(t, "disturbs") {
		fakekubelet.DisturbPods(t, w)
		return
	}
	n := rapid.Int32Range(0, most).Draw(t, "size")
	looptest.Edit(w, "user", looptest.All[*ocorev1.ReplicationController](w)[0], func(rc *ocorev1.ReplicationController) { rc.Spec.Replicas = &n })
}

func neverTooMany(w *looptest.World, wrote looptest.Write) error {
	if have := len(active(w)); wrote.By == "replicationcontroller-controller" && wrote.Verb == "create" && have > most {
		return fmt.Errorf("%d pods, never more than %d were asked for", have, most)
	}
	return nil
}

func active(w *looptest.World) []*ocorev1.Pod {
	rc := looptest.All[*ocorev1.ReplicationController](w)[0]
	var pods []*ocorev1.Pod
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		if metav1.IsControlledBy(pod, rc) && replicas.Active(pod) {
			pods = append(pods, pod)
		}
	}
	return pods
}

func asManyAsDesired(w *looptest.World) error {
	rc, have := looptest.All[*ocorev1.ReplicationController](w)[0], int32(len(active(w)))
	if s := rc.Status; have != *rc.Spec.Replicas || s.Replicas != have || s.ReadyReplicas != have || s.ObservedGeneration != rc.Generation {
		return fmt.Errorf("%d pods, %d desired, and a status of %+v", have, *rc.Spec.Replicas, s)
	}
	return nil
}
