package vacprotection

import (
	"fmt"
	"slices"
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestClassesOutliveTheirVolumes lets a volume and a claim change their classes, and the classes be deleted, under both namings: none
// goes while it is in use, and all that are not go in the end.
func TestClassesOutliveTheirVolumes(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{Loop()},
			Start: func(*rapid.T) []client.Object {
				return []client.Object{class("gold", protected), class("silver", protected), class("new"),
					gen.PersistentVolume("disk"), gen.PersistentVolumeClaim("data")}
			},
			Change:     chooseOrDelete,
			Invariants: []looptest.Invariant{neverInUse},
			Converged:  unusedOnesGo,
		})
	})
}

func chooseOrDelete(t *rapid.T, w *looptest.World) {
	classes := looptest.All[*storagev1.VolumeAttributesClass](w)
	if len(classes) == 0 {
		return
	}
	chosen := classes[rapid.IntRange(0, len(classes)-1).Draw(t, "class")]
	name := &chosen.Name
	if chosen.DeletionTimestamp != nil { // nobody chooses what goes
		name = nil
	}
	switch what := rapid.IntRange(0, 2).Draw(t, "what"); {
	case what == 0 && slices.Contains(chosen.Finalizers, finalizer):
		if err := w.Client("user").Delete(t.Context(), chosen.DeepCopy()); err != nil {
			t.Fatal(err)
		}
	case what == 1:
		looptest.Edit(w, "user", looptest.All[*ocorev1.PersistentVolume](w)[0], func(volume *ocorev1.PersistentVolume) {
			volume.Spec.VolumeAttributesClassName = name
		})
	case what == 2:
		looptest.Edit(w, "user", looptest.All[*ocorev1.PersistentVolumeClaim](w)[0], func(claim *ocorev1.PersistentVolumeClaim) {
			claim.Spec.VolumeAttributesClassName = name
		})
	}
}

func neverInUse(w *looptest.World, wrote looptest.Write) error {
	gone, ok := wrote.Before.(*storagev1.VolumeAttributesClass)
	if ok && wrote.After == nil && inUse(w, gone.Name) {
		return fmt.Errorf("class %s went while it was in use", gone.Name)
	}
	return nil
}

func inUse(w *looptest.World, name string) bool {
	return slices.Contains(classesOf(looptest.All[*ocorev1.PersistentVolume](w)[0]), name) ||
		slices.Contains(classesOf(looptest.All[*ocorev1.PersistentVolumeClaim](w)[0]), name)
}

func unusedOnesGo(w *looptest.World) error {
	for _, class := range looptest.All[*storagev1.VolumeAttributesClass](w) {
		if !slices.Contains(class.Finalizers, finalizer) {
			return fmt.Errorf("class %s is not protected", class.Name)
		}
		if class.DeletionTimestamp != nil && !inUse(w, class.Name) {
			return fmt.Errorf("class %s is deleted and not in use, and has not gone", class.Name)
		}
	}
	return nil
}
