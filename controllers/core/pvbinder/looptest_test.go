package pvbinder

import (
	"context"
	"fmt"
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/controllers/core/pvreclaimer"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	asked       = "volume.kubernetes.io/storage-provisioner"
	provisioned = "pv.kubernetes.io/provisioned-by"
	chosen      = "volume.kubernetes.io/selected-node"
)

// TestClaimsAndVolumesFindEachOther lets claims and volumes come and go, under both namings, beside a scheduler and a provisioner and
// the loop that reclaims volumes: no volume is ever two claims', and in the end every claim has the volume that there is for it.
func TestClaimsAndVolumesFindEachOther(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme:      scheme,
			Loops:       []loop.Loop{Loop(), pvreclaimer.Loop()},
			Start:       someOfEach,
			Change:      comeAndGo,
			Environment: scheduleOrProvision,
			Invariants:  []looptest.Invariant{aVolumeIsOneClaims, aClaimKeepsItsVolume, onlyVolumesOfGoneClaimsAreLetGo},
			Converged:   allFound,
		})
	})
}

// classes are those that claims and volumes may be of: none, one of the provisioner, one that waits, one that comes later.
var classes = []string{"", "made", "waits", "later"}

func someOfEach(t *rapid.T) []client.Object {
	objs := []client.Object{gen.StorageClass("made", "p"), gen.StorageClass("waits", "p", gen.WaitsForConsumer)}
	for i := range rapid.IntRange(0, 3).Draw(t, "claims") {
		objs = append(objs, anyClaim(t, fmt.Sprint("c", i)))
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "volumes") {
		objs = append(objs, newVolume(t, fmt.Sprint("v", i)))
	}
	return objs
}

func anyClaim(t *rapid.T, name string) *ocorev1.PersistentVolumeClaim {
	claim := gen.PersistentVolumeClaim(name, gen.ClaimOfClass(rapid.SampledFrom(classes).Draw(t, "class")))
	switch rapid.IntRange(0, 4).Draw(t, "wish") {
	case 0:
		claim.Spec.VolumeName = "v1"
	case 1:
		claim.Spec.StorageClassName = nil
	}
	claim.UID = ""
	return claim
}

func newVolume(t *rapid.T, name string) *ocorev1.PersistentVolume {
	v := gen.PersistentVolume(name, size(rapid.SampledFrom([]string{"1Mi", "1Gi", "2Gi"}).Draw(t, "size")),
		gen.VolumeOfClass(rapid.SampledFrom(classes).Draw(t, "class")))
	if rapid.IntRange(0, 3).Draw(t, "reserved") == 0 {
		gen.PreBound("c1", "")(v)
	}
	v.UID, v.Status = "", corev1.PersistentVolumeStatus{Phase: corev1.VolumePending}
	return v
}

func comeAndGo(t *rapid.T, w *looptest.World) {
	user := w.Client("user")
	number := rapid.IntRange(0, 3).Draw(t, "number")
	var err error
	switch rapid.IntRange(0, 5).Draw(t, "what") {
	case 0:
		err = client.IgnoreAlreadyExists(user.Create(t.Context(), anyClaim(t, fmt.Sprint("c", number))))
	case 1:
		err = client.IgnoreAlreadyExists(user.Create(t.Context(), newVolume(t, fmt.Sprint("v", number))))
	case 2:
		err = client.IgnoreNotFound(user.Delete(t.Context(), gen.PersistentVolumeClaim(fmt.Sprint("c", number))))
	case 3:
		letGoOfReleased(w)
	case 4:
		later := gen.StorageClass("later", "p", gen.DefaultClass)
		later.UID = ""
		err = client.IgnoreAlreadyExists(user.Create(t.Context(), later))
	case 5:
		err = deleteFree(t, w, fmt.Sprint("v", number))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// letGoOfReleased has a person make released volumes available again.
func letGoOfReleased(w *looptest.World) {
	for _, v := range looptest.All[*ocorev1.PersistentVolume](w) {
		if v.Status.Phase == corev1.VolumeReleased && v.Annotations[provisioned] == "" {
			looptest.Edit(w, "user", v, func(v *ocorev1.PersistentVolume) { v.Spec.ClaimRef = nil })
		}
	}
}

// deleteFree deletes a volume unless it is protected, as one is that is bound.
func deleteFree(t *rapid.T, w *looptest.World, name string) error {
	for _, v := range looptest.All[*ocorev1.PersistentVolume](w) {
		if v.Name == name && v.Status.Phase != corev1.VolumeBound && v.Spec.ClaimRef == nil {
			return client.IgnoreNotFound(w.Client("user").Delete(t.Context(), v.DeepCopy()))
		}
	}
	return nil
}

// scheduleOrProvision is a step of the scheduler, which chooses for claims that wait, or of the provisioner, which makes and deletes
// volumes.
func scheduleOrProvision(w *looptest.World, pick func(n int) int) bool {
	var steps []func()
	for _, claim := range looptest.All[*ocorev1.PersistentVolumeClaim](w) {
		switch waits := classOf(claim) == "waits"; {
		case claim.Spec.VolumeName != "" || isBound(claim):
		case claim.Annotations[asked] != "" && !isMade(w, claim):
			steps = append(steps, func() { w.Put(madeVolume(claim)) })
		case waits && claim.Annotations[chosen] == "" && !isChosenFor(w, claim):
			steps = append(steps, func() { choose(w, claim) })
		}
	}
	for _, v := range looptest.All[*ocorev1.PersistentVolume](w) {
		if v.Annotations[provisioned] != "" && v.Status.Phase == corev1.VolumeReleased {
			steps = append(steps, func() { remove(w, v) })
		}
	}
	if len(steps) == 0 {
		return false
	}
	steps[pick(len(steps))]()
	return true
}

func isMade(w *looptest.World, claim *ocorev1.PersistentVolumeClaim) bool {
	for _, v := range looptest.All[*ocorev1.PersistentVolume](w) {
		if v.Name == "pvc-"+string(claim.UID) {
			return true
		}
	}
	return false
}

// madeVolume is what a provisioner makes for a claim.
func madeVolume(claim *ocorev1.PersistentVolumeClaim) *ocorev1.PersistentVolume {
	v := gen.PersistentVolume("pvc-"+string(claim.UID), gen.VolumeOfClass(classOf(claim)), gen.PreBound(claim.Name, string(claim.UID)), volumeNote(provisioned, "p"))
	v.Spec.PersistentVolumeReclaimPolicy = corev1.PersistentVolumeReclaimDelete
	v.Status = corev1.PersistentVolumeStatus{Phase: corev1.VolumePending}
	return v
}

// isChosenFor reports that the binder has a volume for a claim that waits.
func isChosenFor(w *looptest.World, claim *ocorev1.PersistentVolumeClaim) bool {
	found, err := match(claim, looptest.All[*ocorev1.PersistentVolume](w), true)
	return found != nil || err != nil
}

// choose does what the scheduler does for a claim that waits: it gives it a free volume, or a node.
func choose(w *looptest.World, claim *ocorev1.PersistentVolumeClaim) {
	for _, v := range looptest.All[*ocorev1.PersistentVolume](w) {
		if isFree(v) && unfit(v, claim) == "" {
			looptest.Edit(w, "scheduler", v, func(v *ocorev1.PersistentVolume) {
				gen.PreBound(claim.Name, string(claim.UID))(v)
				volumeNote(boundBy, "yes")(v)
			})
			return
		}
	}
	looptest.Edit(w, "scheduler", claim, claimNote(chosen, "a"))
}

const boundBy = "pv.kubernetes.io/bound-by-controller"

func remove(w *looptest.World, v *ocorev1.PersistentVolume) {
	if err := w.Client("p").Delete(context.Background(), v.DeepCopy()); client.IgnoreNotFound(err) != nil {
		panic(err)
	}
}

// aVolumeIsOneClaims holds that a claim names only a volume that names it and is protected, and is not said to be bound before it does.
func aVolumeIsOneClaims(w *looptest.World, wrote looptest.Write) error {
	claim, ok := wrote.After.(*ocorev1.PersistentVolumeClaim)
	if ok && claim.Status.Phase == corev1.ClaimBound && !isBound(claim) {
		return fmt.Errorf("claim %s is said to be bound, and is not", claim.Name)
	}
	if !ok || wrote.By != "persistentvolume-binder-controller" || !isBound(claim) || isBound(wrote.Before.(*ocorev1.PersistentVolumeClaim)) {
		return nil
	}
	for _, v := range looptest.All[*ocorev1.PersistentVolume](w) {
		if v.Name != claim.Spec.VolumeName {
			continue
		}
		if v.Spec.ClaimRef == nil || v.Spec.ClaimRef.UID != claim.UID || v.Status.Phase != corev1.VolumeBound {
			return fmt.Errorf("claim %s is bound to volume %s, which is %s and names %v", claim.Name, v.Name, v.Status.Phase, v.Spec.ClaimRef)
		}
		return nil
	}
	return fmt.Errorf("claim %s is bound to volume %s, which is not there", claim.Name, claim.Spec.VolumeName)
}

// aClaimKeepsItsVolume holds that a claim never names another volume than it did.
func aClaimKeepsItsVolume(_ *looptest.World, wrote looptest.Write) error {
	before, was := wrote.Before.(*ocorev1.PersistentVolumeClaim)
	after, is := wrote.After.(*ocorev1.PersistentVolumeClaim)
	if was && is && before.Spec.VolumeName != "" && after.Spec.VolumeName != before.Spec.VolumeName {
		return fmt.Errorf("claim %s had volume %s and has %s", after.Name, before.Spec.VolumeName, after.Spec.VolumeName)
	}
	return nil
}

// onlyVolumesOfGoneClaimsAreLetGo holds that no loop takes a volume from a claim that names it.
func onlyVolumesOfGoneClaimsAreLetGo(w *looptest.World, wrote looptest.Write) error {
	before, was := wrote.Before.(*ocorev1.PersistentVolume)
	after, is := wrote.After.(*ocorev1.PersistentVolume)
	if !was || !is || before.Spec.ClaimRef == nil || before.Spec.ClaimRef.UID == "" {
		return nil
	}
	kept := after.Spec.ClaimRef != nil && after.Spec.ClaimRef.UID == before.Spec.ClaimRef.UID && after.Status.Phase != corev1.VolumeReleased
	for _, claim := range looptest.All[*ocorev1.PersistentVolumeClaim](w) {
		if !kept && claim.UID == before.Spec.ClaimRef.UID && claim.Spec.VolumeName == after.Name {
			return fmt.Errorf("volume %s was taken from claim %s", after.Name, claim.Name)
		}
	}
	return nil
}

// allFound holds that the two sides agree, and that no volume that is free would do for a claim that has none.
func allFound(w *looptest.World) error {
	volumes := map[string]*ocorev1.PersistentVolume{}
	for _, v := range looptest.All[*ocorev1.PersistentVolume](w) {
		volumes[v.Name] = v
	}
	later := len(looptest.All[*ostoragev1.StorageClass](w)) > 2
	claims := map[types.UID]*ocorev1.PersistentVolumeClaim{}
	for _, claim := range looptest.All[*ocorev1.PersistentVolumeClaim](w) {
		claims[claim.UID] = claim
		if err := settled(claim, volumes, later); err != nil {
			return fmt.Errorf("claim %s: %w", claim.Name, err)
		}
	}
	for _, v := range volumes {
		if want := phaseOf(v, claims); v.Status.Phase != want {
			return fmt.Errorf("volume %s, which names %v, is %s, want %s", v.Name, v.Spec.ClaimRef, v.Status.Phase, want)
		}
	}
	return nil
}

func settled(claim *ocorev1.PersistentVolumeClaim, volumes map[string]*ocorev1.PersistentVolume, later bool) error {
	v := volumes[claim.Spec.VolumeName]
	switch {
	case isBound(claim) && (claim.Status.Phase != corev1.ClaimBound || v == nil || v.Spec.ClaimRef.UID != claim.UID):
		return fmt.Errorf("it is bound, %s, and its volume is %v", claim.Status.Phase, v)
	case isBound(claim):
		return nil
	case claim.Spec.StorageClassName == nil && later:
		return fmt.Errorf("it has no class, and there is a default")
	case v != nil && isFree(v) && unfit(v, claim) == "":
		return fmt.Errorf("it asks for volume %s, which is free", v.Name)
	case claim.Spec.VolumeName != "" || classOf(claim) == "later" && !later:
		return nil
	case classOf(claim) != "":
		return fmt.Errorf("it is of class %s, and has no volume", classOf(claim))
	}
	for _, v := range volumes {
		if isFree(v) && unfit(v, claim) == "" {
			return fmt.Errorf("volume %s is free", v.Name)
		}
	}
	return nil
}

// phaseOf is what a volume shall be in the end.
func phaseOf(v *ocorev1.PersistentVolume, claims map[types.UID]*ocorev1.PersistentVolumeClaim) corev1.PersistentVolumePhase {
	if v.Spec.ClaimRef == nil || v.Spec.ClaimRef.UID == "" {
		return corev1.VolumeAvailable
	}
	if claims[v.Spec.ClaimRef.UID] != nil {
		return corev1.VolumeBound
	}
	return corev1.VolumeReleased
}
