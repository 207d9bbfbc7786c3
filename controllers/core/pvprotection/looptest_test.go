package pvprotection

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestVolumesOutliveTheirClaims lets volumes be bound, let go and deleted, under both namings: none goes while it is bound, and all
// that are deleted and free go in the end.
func TestVolumesOutliveTheirClaims(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{Loop()},
			Start: func(*rapid.T) []client.Object {
				return []client.Object{gen.PersistentVolume("new"), gen.PersistentVolume("free", protected), gen.PersistentVolume("bound", protected, bound)}
			},
			Change:     bindOrDelete,
			Invariants: []looptest.Invariant{neverWhileBound},
			Converged:  freeOnesGo,
		})
	})
}

func bindOrDelete(t *rapid.T, w *looptest.World) {
	volumes := looptest.All[*ocorev1.PersistentVolume](w)
	if len(volumes) == 0 {
		return
	}
	volume := volumes[rapid.IntRange(0, len(volumes)-1).Draw(t, "volume")]
	switch what := rapid.IntRange(0, 2).Draw(t, "what"); {
	case what == 0 && slices.Contains(volume.Finalizers, finalizer): // admission puts it on at once
		if err := w.Client("user").Delete(t.Context(), volume.DeepCopy()); err != nil {
			t.Fatal(err)
		}
	case what == 1 && volume.DeletionTimestamp == nil:
		looptest.Edit(w, "binder", volume, bound)
	case what == 2:
		looptest.Edit(w, "binder", volume, func(volume *ocorev1.PersistentVolume) { volume.Status.Phase = corev1.VolumeReleased })
	}
}

func neverWhileBound(_ *looptest.World, wrote looptest.Write) error {
	volume, ok := wrote.Before.(*ocorev1.PersistentVolume)
	if ok && wrote.After == nil && volume.Status.Phase == corev1.VolumeBound {
		return errors.New("the volume went while it was bound")
	}
	return nil
}

func freeOnesGo(w *looptest.World) error {
	for _, volume := range looptest.All[*ocorev1.PersistentVolume](w) {
		if !slices.Contains(volume.Finalizers, finalizer) {
			return fmt.Errorf("volume %s is not protected", volume.Name)
		}
		if volume.DeletionTimestamp != nil && volume.Status.Phase != corev1.VolumeBound {
			return fmt.Errorf("volume %s is deleted and free, and has not gone", volume.Name)
		}
	}
	return nil
}
