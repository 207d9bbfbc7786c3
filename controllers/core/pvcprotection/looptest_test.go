package pvcprotection

import (
	"fmt"
	"slices"
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/fakekubelet"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestClaimsOutliveTheirPods lets pods that use a claim come and go while it is deleted, under both namings: it never goes under a
// pod that runs, and it goes in the end.
func TestClaimsOutliveTheirPods(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{Loop()},
			Start: func(t *rapid.T) []client.Object {
				objs := []client.Object{gen.PersistentVolumeClaim("data", bound), gen.PersistentVolumeClaim("more", bound, protected)}
				for i := range rapid.IntRange(0, 3).Draw(t, "pods") {
					objs = append(objs, gen.Pod(fmt.Sprintf("p%d", i), gen.Claims("data")))
				}
				return objs
			},
			Prepare:     fakekubelet.DeletesGracefully,
			Change:      deletePodsAndClaims,
			Environment: fakekubelet.Sync,
			Invariants:  []looptest.Invariant{neverUnderAPod},
			Converged:   goneOrProtected,
		})
	})
}

func deletePodsAndClaims(t *rapid.T, w *looptest.World) {
	var objs []client.Object
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		objs = append(objs, pod)
	}
	for _, claim := range looptest.All[*ocorev1.PersistentVolumeClaim](w) {
		if slices.Contains(claim.Finalizers, finalizer) { // admission puts it on at once
			objs = append(objs, claim)
		}
	}
	if len(objs) == 0 {
		return
	}
	obj := objs[rapid.IntRange(0, len(objs)-1).Draw(t, "object")].DeepCopyObject().(client.Object)
	if err := w.Client("user").Delete(t.Context(), obj); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
}

func neverUnderAPod(w *looptest.World, wrote looptest.Write) error {
	claim, ok := wrote.Before.(*ocorev1.PersistentVolumeClaim)
	if !ok || wrote.After != nil {
		return nil
	}
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		if pod.Spec.NodeName != "" && len(pod.Spec.Volumes) > 0 && pod.Spec.Volumes[0].PersistentVolumeClaim.ClaimName == claim.Name {
			return fmt.Errorf("claim %s went, and pod %s runs on it", claim.Name, pod.Name)
		}
	}
	return nil
}

func goneOrProtected(w *looptest.World) error {
	for _, claim := range looptest.All[*ocorev1.PersistentVolumeClaim](w) {
		if !slices.Contains(claim.Finalizers, finalizer) {
			return fmt.Errorf("claim %s is not protected", claim.Name)
		}
		used := slices.ContainsFunc(looptest.All[*ocorev1.Pod](w), func(pod *ocorev1.Pod) bool { return pod.Spec.Volumes[0].Name == claim.Name })
		if claim.DeletionTimestamp != nil && !used {
			return fmt.Errorf("claim %s is deleted, and nobody uses it", claim.Name)
		}
	}
	return nil
}
