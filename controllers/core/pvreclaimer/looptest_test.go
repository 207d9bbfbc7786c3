package pvreclaimer

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

// dirty is a label, on volumes of these worlds, that something has been written to them.
const dirty = "dirty"

// TestNobodyGetsWhatAnotherWrote lets volumes be bound, written to, released and recycled, under both namings, also beside pods that
// others made by the names of recyclers: no volume is made available as it was left, and all of them are available in the end.
func TestNobodyGetsWhatAnotherWrote(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{Loop()},
			Start: func(*rapid.T) []client.Object {
				return []client.Object{recycledOne("a"), recycledOne("b")}
			},
			Change:      useOrInterfere,
			Environment: runPods,
			Invariants:  []looptest.Invariant{cleanBeforeOthers},
			Converged:   allAvailable,
		})
	})
}

func recycledOne(name string) *ocorev1.PersistentVolume {
	return gen.PersistentVolume(name, policy(corev1.PersistentVolumeReclaimRecycle), phase(corev1.VolumePending))
}

func useOrInterfere(t *rapid.T, w *looptest.World) {
	volumes := looptest.All[*ocorev1.PersistentVolume](w)
	v := volumes[rapid.IntRange(0, len(volumes)-1).Draw(t, "volume")]
	var err error
	switch rapid.IntRange(0, 4).Draw(t, "what") {
	case 0, 1:
		err = use(t, w, v)
	case 2:
		err = deleteClaims(t, w)
	case 3:
		forged := recycler(v)
		err = client.IgnoreAlreadyExists(w.Client("user").Create(t.Context(), forged))
	case 4:
		if v.Status.Phase == corev1.VolumeReleased { // a person cleans it, and lets it go
			looptest.Edit(w, "user", v, func(v *ocorev1.PersistentVolume) { v.Spec.ClaimRef, v.Labels = nil, nil })
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// use binds a volume that is available to a new claim, whose pods write to it.
func use(t *rapid.T, w *looptest.World, v *ocorev1.PersistentVolume) error {
	if v.Status.Phase != corev1.VolumeAvailable || v.Spec.ClaimRef != nil {
		return nil
	}
	claim := gen.PersistentVolumeClaim("of-" + v.Name)
	claim.UID, claim.Spec.VolumeName = "", v.Name
	if err := w.Client("user").Create(t.Context(), claim); err != nil {
		return client.IgnoreAlreadyExists(err)
	}
	looptest.Edit(w, "binder", v, func(v *ocorev1.PersistentVolume) {
		gen.TakenBy(claim.Name)(v)
		v.Spec.ClaimRef.UID = claim.UID
		metav1.SetMetaDataLabel(&v.ObjectMeta, dirty, "yes")
	})
	return nil
}

func deleteClaims(t *rapid.T, w *looptest.World) error {
	for _, claim := range looptest.All[*ocorev1.PersistentVolumeClaim](w) {
		if err := w.Client("user").Delete(t.Context(), claim.DeepCopy()); client.IgnoreNotFound(err) != nil {
			return err
		}
	}
	return nil
}

// runPods lets a pod scrub its volume, and succeed or fail.
func runPods(w *looptest.World, pick func(n int) int) bool {
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			continue
		}
		if pick(4) == 0 {
			looptest.Edit(w, "kubelet", pod, gen.Phase(corev1.PodFailed))
			return true
		}
		for _, v := range looptest.All[*ocorev1.PersistentVolume](w) {
			if recyclerOf(v).Name == pod.Name {
				looptest.Edit(w, "kubelet", v, func(v *ocorev1.PersistentVolume) { delete(v.Labels, dirty) })
			}
		}
		looptest.Edit(w, "kubelet", pod, gen.Phase(corev1.PodSucceeded))
		return true
	}
	return false
}

// cleanBeforeOthers holds that a volume which the loop lets go is clean.
func cleanBeforeOthers(_ *looptest.World, wrote looptest.Write) error {
	before, was := wrote.Before.(*ocorev1.PersistentVolume)
	after, is := wrote.After.(*ocorev1.PersistentVolume)
	if was && is && before.Spec.ClaimRef != nil && after.Spec.ClaimRef == nil && after.Labels[dirty] != "" {
		return fmt.Errorf("volume %s is let go as it was left", after.Name)
	}
	return nil
}

func allAvailable(w *looptest.World) error {
	claims := map[string]bool{}
	for _, claim := range looptest.All[*ocorev1.PersistentVolumeClaim](w) {
		claims[claim.Spec.VolumeName] = true
	}
	for _, v := range looptest.All[*ocorev1.PersistentVolume](w) {
		want := corev1.VolumeAvailable
		if claims[v.Name] {
			want = corev1.VolumeBound
		}
		if v.Status.Phase != want {
			return fmt.Errorf("volume %s is %s, want %s", v.Name, v.Status.Phase, want)
		}
	}
	return nil
}
