package replicaset_test

import (
	"fmt"
	"testing"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/apps/replicaset"
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

// fewest and most are the sizes between which users resize ReplicaSets here.
const (
	fewest = 1
	most   = 4
)

func TestReplicaSetsOfAnySizeConverge(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			CurrentLists: true, // as in our managers: see loop.NewInformer
			Scheme:       scheme,
			Loops:        []loop.Loop{replicaset.Loop()},
			Start:        start,
			Prepare:      fakekubelet.DeletesGracefully,
			Change:       resize,
			Environment:  fakekubelet.Sync,
			Invariants:   []looptest.Invariant{neverCreatesTooMany, neverDeletesTooMany, leavesOthersAlone},
			Converged:    asManyAsDesired,
		})
	})
}

func TestReplicaSetsConvergeWhateverHappensToPods(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			CurrentLists: true, // as in our managers: see loop.NewInformer
			Scheme:       scheme,
			Loops:        []loop.Loop{replicaset.Loop()},
			Start:        start,
			Prepare:      fakekubelet.DeletesGracefully,
			Change: func(t *rapid.T, w *looptest.World) {
				if rapid.Bool().Draw(t, "resizes") {
					resize(t, w)
				} else {
					fakekubelet.DisturbPods(t, w)
				}
			},
			Environment: fakekubelet.Sync,
			Invariants:  []looptest.Invariant{neverCreatesTooMany, leavesOthersAlone},
			Converged:   asManyAsDesired,
		})
	})
}

// start has a ReplicaSet, pods that it may adopt, and pods that are nobody's business.
func start(t *rapid.T) []client.Object {
	web := gen.ReplicaSet("web", drawSize(t))
	web.Spec.MinReadySeconds = rapid.Int32Range(0, 2).Draw(t, "minReadySeconds")
	objs := []client.Object{web, gen.Pod("passer-by", gen.Labelled("app", "other"), gen.Ready(gen.Ago(0)))}
	for i := range rapid.IntRange(0, most).Draw(t, "orphans") {
		objs = append(objs, gen.Pod(fmt.Sprintf("orphan-%d", i), gen.Labelled("app", "web")))
	}
	somebody := gen.ReplicaSet("somebody", 1)
	somebodys := gen.Pod("somebodys", gen.Of(somebody, "Somebody", map[string]string{"app": "web"}))
	somebodys.OwnerReferences[0].UID = web.UID + "-not" // the collector of this world must find an owner
	keeper := gen.Pod("keeper", gen.Labelled("app", "other"))
	keeper.UID = somebodys.OwnerReferences[0].UID
	return append(objs, somebodys, keeper)
}

func resize(t *rapid.T, w *looptest.World) {
	for _, rs := range looptest.All[*oappsv1.ReplicaSet](w) {
		n := drawSize(t)
		looptest.Edit(w, "user", rs, func(rs *oappsv1.ReplicaSet) { rs.Spec.Replicas = &n })
	}
}

func drawSize(t *rapid.T) int32 { return rapid.Int32Range(fewest, most).Draw(t, "size") }

func neverCreatesTooMany(w *looptest.World, write looptest.Write) error {
	if have := running(w, write); write.By == "replicaset-controller" && write.Verb == "create" && have > most {
		return fmt.Errorf("%d pods, never more than %d were asked for", have, most)
	}
	return nil
}

func neverDeletesTooMany(w *looptest.World, write looptest.Write) error {
	if have := running(w, write); write.By == "replicaset-controller" && write.Verb == "delete" && have < fewest {
		return fmt.Errorf("%d pods, never fewer than %d were asked for", have, fewest)
	}
	return nil
}

// running is how many pods the ReplicaSet has which a write is about.
func running(w *looptest.World, write looptest.Write) int {
	n := 0
	for _, rs := range looptest.All[*oappsv1.ReplicaSet](w) {
		for _, pod := range looptest.All[*ocorev1.Pod](w) {
			if metav1.IsControlledBy(pod, rs) && replicas.Active(pod) {
				n++
			}
		}
	}
	return n
}

func leavesOthersAlone(_ *looptest.World, write looptest.Write) error {
	pod, ok := write.Before.(*ocorev1.Pod)
	if !ok || write.By != "replicaset-controller" {
		return nil
	}
	if owner := metav1.GetControllerOf(pod); owner != nil && owner.Name != "web" || owner == nil && pod.Labels["app"] != "web" {
		return fmt.Errorf("%s is not its business", pod.Name)
	}
	return nil
}

func asManyAsDesired(w *looptest.World) error {
	rs := looptest.All[*oappsv1.ReplicaSet](w)[0]
	held := int32(0)
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		matches := pod.Labels["app"] == "web"
		switch owner := metav1.GetControllerOf(pod); {
		case !replicas.Active(pod): // what has ended keeps its owner, so that it is collected some day
		case owner == nil && matches:
			return fmt.Errorf("%s was not adopted", pod.Name)
		case owner != nil && owner.UID == rs.UID && !matches:
			return fmt.Errorf("%s was not released", pod.Name)
		case owner != nil && owner.UID == rs.UID:
			held++
		}
	}
	want := *rs.Spec.Replicas
	if s := rs.Status; held != want || s.Replicas != want || s.ReadyReplicas != want || s.AvailableReplicas != want || s.ObservedGeneration != rs.Generation {
		return fmt.Errorf("%d pods, %d desired, and a status of %+v", held, want, s)
	}
	return nil
}
