package pvexpander

import (
	"fmt"
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestClaimsThatAskForMoreNameTheirResizer lets claims ask for more and get it, under both namings: one that waits for the driver of its
// volume names it in the end, and nothing else of any claim is changed.
func TestClaimsThatAskForMoreNameTheirResizer(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{Loop()},
			Start: func(*rapid.T) []client.Object {
				return []client.Object{
					gen.PersistentVolumeClaim("data", gen.BoundTo("disk")), gen.PersistentVolume("disk", gen.TakenBy("data"), ebs),
					gen.PersistentVolumeClaim("late", gen.BoundTo("new")), gen.PersistentVolume("new"),
				}
			},
			Change:     askForMore,
			Invariants: []looptest.Invariant{nothingElse},
			Converged:  resizersAreNamed,
		})
	})
}

func askForMore(t *rapid.T, w *looptest.World) {
	for _, volume := range looptest.All[*ocorev1.PersistentVolume](w) {
		if volume.Name == "new" && rapid.Bool().Draw(t, "bind") {
			looptest.Edit(w, "binder", volume, func(volume *ocorev1.PersistentVolume) { gen.TakenBy("late")(volume); ebs(volume) })
		}
	}
	for _, claim := range looptest.All[*ocorev1.PersistentVolumeClaim](w) {
		if rapid.Bool().Draw(t, "ask") {
			looptest.Edit(w, "user", claim, requests("2Gi"))
		}
	}
}

func nothingElse(_ *looptest.World, wrote looptest.Write) error {
	before, was := wrote.Before.(*ocorev1.PersistentVolumeClaim)
	after, is := wrote.After.(*ocorev1.PersistentVolumeClaim)
	if wrote.By != "persistentvolume-expander-controller" {
		return nil
	}
	if !was || !is || before.Annotations[resizer] == after.Annotations[resizer] {
		return fmt.Errorf("%s of %v", wrote.Verb, wrote.After)
	}
	return nil
}

func resizersAreNamed(w *looptest.World) error {
	volumes := map[string]*ocorev1.PersistentVolume{}
	for _, volume := range looptest.All[*ocorev1.PersistentVolume](w) {
		volumes[volume.Name] = volume
	}
	for _, claim := range looptest.All[*ocorev1.PersistentVolumeClaim](w) {
		volume := volumes[claim.Spec.VolumeName]
		waits := volume.Spec.ClaimRef != nil && claim.Spec.Resources.Requests.Storage().Cmp(*claim.Status.Capacity.Storage()) > 0
		if named := claim.Annotations[resizer] != ""; named != waits {
			return fmt.Errorf("claim %s waits: %t, and names a resizer: %t", claim.Name, waits, named)
		}
	}
	return nil
}
