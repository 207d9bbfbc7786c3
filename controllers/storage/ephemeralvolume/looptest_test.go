package ephemeralvolume

import (
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

// TestPodsHaveTheirClaims lets pods and claims come and go, some of which are in each other's way, under both namings: nobody else's
// claim is touched, and in the end each pod has its own where nobody is in its way.
func TestPodsHaveTheirClaims(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{Loop()},
			Start: func(t *rapid.T) []client.Object {
				objs := []client.Object{gen.Pod("plain", gen.Claims("web-cache"))}
				if rapid.Bool().Draw(t, "taken") {
					objs = append(objs, gen.PersistentVolumeClaim("web-cache"))
				}
				return append(objs, gen.Pod("web", gen.ClaimsForItself("scratch"), gen.ClaimsForItself("cache")))
			},
			Change:     comeAndGo,
			Invariants: []looptest.Invariant{onlyOwnClaimsAreMade},
			Converged:  eachVolumeHasAClaim,
		})
	})
}

func comeAndGo(t *rapid.T, w *looptest.World) {
	user := w.Client("user")
	if len(looptest.All[*ocorev1.Pod](w)) == 1 {
		if err := user.Create(t.Context(), gen.Pod("web", gen.ClaimsForItself("scratch"), func(pod *ocorev1.Pod) { pod.UID = "" })); err != nil {
			t.Fatal(err)
		}
		return
	}
	var objs []client.Object
	for _, claim := range looptest.All[*ocorev1.PersistentVolumeClaim](w) {
		objs = append(objs, claim)
	}
	objs = append(objs, gen.Pod("web"))
	obj := objs[rapid.IntRange(0, len(objs)-1).Draw(t, "object")].DeepCopyObject().(client.Object)
	if err := user.Delete(t.Context(), obj); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
}

func onlyOwnClaimsAreMade(_ *looptest.World, wrote looptest.Write) error {
	if wrote.By != "ephemeral-volume-controller" {
		return nil
	}
	claim, ok := wrote.After.(*ocorev1.PersistentVolumeClaim)
	if !ok || wrote.Before != nil || metav1.GetControllerOf(claim) == nil {
		return fmt.Errorf("the loop wrote %v over %v", wrote.After, wrote.Before)
	}
	return nil
}

func eachVolumeHasAClaim(w *looptest.World) error {
	claims := map[string]bool{}
	for _, claim := range looptest.All[*ocorev1.PersistentVolumeClaim](w) {
		claims[claim.Name] = true
	}
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		for _, volume := range pod.Spec.Volumes {
			if volume.Ephemeral != nil && !claims[pod.Name+"-"+volume.Name] {
				return fmt.Errorf("volume %s of pod %s has no claim", volume.Name, pod.Name)
			}
		}
	}
	return nil
}
