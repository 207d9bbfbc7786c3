package snapshotcontroller

import (
	"fmt"
	"maps"
	"testing"

	"github.com/container-storage-interface/spec/lib/go/csi"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/storage/simulated"
	"github.com/orrery-dev/orrery/storage/snapshotkinds"
	"github.com/orrery-dev/orrery/storage/snapshotter"
)

// TestSnapshotsComeAndGo has snapshots taken and deleted beside claims that are deleted: one that is ready is one that the driver has; and in
// the end the driver has those that contents tell of, and no others.
func TestSnapshotsComeAndGo(t *testing.T) {
	for _, naming := range apis.Namings() {
		t.Run(naming.String(), func(t *testing.T) {
			scheme := runtime.NewScheme()
			if err := apis.AddToScheme(scheme, naming); err != nil {
				t.Fatal(err)
			}
			if err := snapshotv1.AddToScheme(scheme); err != nil {
				t.Fatal(err)
			}
			disks := &simulated.Controller{}
			d := disks.Driver(driverName, here)
			kept := map[string]bool{}
			looptest.Check(t, looptest.Spec{
				CurrentLists: true, // as in our managers: see loop.NewInformer
				Scheme:       scheme,
				Loops:        []loop.Loop{Loop(d), snapshotter.Loop(d)},
				Start:        func(t *rapid.T) []client.Object { clear(kept); return claimsAndClasses(t, disks) },
				Change:       comeAndGo,
				Invariants:   []looptest.Invariant{has(disks), keeps(kept)},
				Converged:    func(w *looptest.World) error { return settled(w, disks, kept) },
			})
		})
	}
}

// madeByHand is a snapshot that people say the driver has, and lost one that it does not have.
const madeByHand, lost = "by-hand", "lost"

// claimsAndClasses begin a world with two claims, one of which may not be bound yet.
func claimsAndClasses(t *rapid.T, disks *simulated.Controller) []client.Object {
	disks.Reset()
	objects := []client.Object{class("keeps", snapshotv1.VolumeSnapshotContentRetain), class("deletes", snapshotv1.VolumeSnapshotContentDelete, isDefault)}
	for _, name := range []string{"a", "b"} {
		made, err := disks.CreateVolume(t.Context(), &csi.CreateVolumeRequest{Name: name, CapacityRange: &csi.CapacityRange{RequiredBytes: 1 << 30}})
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, claim(name), volume(name, made.GetVolume().GetVolumeId()))
	}
	if _, err := disks.CreateSnapshot(t.Context(), &csi.CreateSnapshotRequest{Name: madeByHand, SourceVolumeId: "a"}); err != nil {
		t.Fatal(err)
	}
	return objects
}

func comeAndGo(t *rapid.T, w *looptest.World) {
	user := w.Client("user")
	var there []client.Object
	for _, s := range looptest.All[*snapshotv1.VolumeSnapshot](w) {
		there = append(there, s)
	}
	for _, content := range looptest.All[*snapshotv1.VolumeSnapshotContent](w) {
		there = append(there, content)
	}
	for _, claim := range looptest.All[*ocorev1.PersistentVolumeClaim](w) {
		there = append(there, claim)
	}
	if len(there) > 0 && rapid.Bool().Draw(t, "delete") {
		_ = user.Delete(t.Context(), rapid.SampledFrom(there).Draw(t, "what")) // it may be gone
		return
	}
	name := fmt.Sprint("s", w.Version())
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		handle := rapid.SampledFrom([]string{madeByHand, lost}).Draw(t, "handle")
		policy := rapid.SampledFrom([]snapshotv1.DeletionPolicy{snapshotv1.VolumeSnapshotContentDelete, snapshotv1.VolumeSnapshotContentRetain}).Draw(t, "policy")
		_ = user.Create(t.Context(), byHand(name, handle, policy)) // there may be one
		_ = user.Create(t.Context(), snapshot(name, ofContentNamed(name), ofClassNamed("deletes")))
	case 1:
		_ = user.Create(t.Context(), snapshot(name, of("a"), ofClassNamed(rapid.SampledFrom([]string{"keeps", "deletes"}).Draw(t, "class"))))
	default:
		_ = user.Create(t.Context(), snapshot(name, of(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "claim"))))
	}
}

// has says that the driver has the snapshots that are said to be ready.
func has(disks *simulated.Controller) looptest.Invariant {
	return func(w *looptest.World, _ looptest.Write) error {
		taken := disks.Snapshots()
		contents := map[string]*snapshotv1.VolumeSnapshotContent{}
		for _, content := range looptest.All[*snapshotv1.VolumeSnapshotContent](w) {
			contents[content.Name] = content
		}
		for _, s := range looptest.All[*snapshotv1.VolumeSnapshot](w) {
			if !snapshotkinds.IsReady(s) || s.DeletionTimestamp != nil || contents[contentName(s)] == nil {
				continue
			}
			content := contents[contentName(s)]
			if _, there := taken[handleOf(content)]; !there && content.Spec.Source.VolumeHandle != nil {
				return fmt.Errorf("snapshot %s is ready, and the driver does not have %q", s.Name, handleOf(content))
			}
		}
		return nil
	}
}

// keeps notes which snapshots stay although their contents go.
func keeps(kept map[string]bool) looptest.Invariant {
	return func(_ *looptest.World, wrote looptest.Write) error {
		content, was := wrote.Before.(*snapshotv1.VolumeSnapshotContent)
		if was && wrote.After == nil && content.Spec.DeletionPolicy == snapshotv1.VolumeSnapshotContentRetain {
			kept[handleOf(content)] = true
		}
		return nil
	}
}

func handleOf(content *snapshotv1.VolumeSnapshotContent) string {
	if content.Status == nil || content.Status.SnapshotHandle == nil {
		return ""
	}
	return *content.Status.SnapshotHandle
}

func settled(w *looptest.World, disks *simulated.Controller, kept map[string]bool) error {
	left := disks.Snapshots()
	maps.DeleteFunc(left, func(handle, _ string) bool { return kept[handle] })
	for _, content := range looptest.All[*snapshotv1.VolumeSnapshotContent](w) {
		delete(left, handleOf(content))
		if _, being := content.Annotations[snapshotkinds.BeingCreated]; being {
			return fmt.Errorf("content %s is being created for ever", content.Name)
		}
	}
	delete(left, madeByHand) // people may want it still
	if len(left) > 0 {
		return fmt.Errorf("snapshots %v are nobody's", left)
	}
	for _, s := range looptest.All[*snapshotv1.VolumeSnapshot](w) {
		switch {
		case s.DeletionTimestamp != nil:
			return fmt.Errorf("snapshot %s does not go", s.Name)
		case s.Status == nil || !snapshotkinds.IsReady(s) && s.Status.Error == nil:
			return fmt.Errorf("snapshot %s is not ready, and nobody says why", s.Name)
		case snapshotkinds.IsReady(s) && s.Status.Error != nil:
			return fmt.Errorf("snapshot %s is ready with error %s", s.Name, *s.Status.Error.Message)
		}
	}
	for _, c := range looptest.All[*ocorev1.PersistentVolumeClaim](w) {
		if c.DeletionTimestamp != nil {
			return fmt.Errorf("claim %s does not go, for %v", c.Name, c.Finalizers)
		}
	}
	return nil
}

// Builders.

func named(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "default", Name: name} }

func claim(name string, changes ...func(*ocorev1.PersistentVolumeClaim)) *ocorev1.PersistentVolumeClaim {
	c := &ocorev1.PersistentVolumeClaim{
		ObjectMeta: named(name),
		Spec:       corev1.PersistentVolumeClaimSpec{VolumeName: "v-" + name},
		Status:     corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound},
	}
	for _, change := range changes {
		change(c)
	}
	return c
}

func volume(claim, handle string) *ocorev1.PersistentVolume {
	mode := corev1.PersistentVolumeFilesystem
	return &ocorev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "v-" + claim},
		Spec: corev1.PersistentVolumeSpec{
			ClaimRef: &corev1.ObjectReference{Namespace: "default", Name: claim}, NodeAffinity: affinity, VolumeMode: &mode,
			PersistentVolumeSource: corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: driverName, VolumeHandle: handle}},
		},
	}
}

func class(name string, policy snapshotv1.DeletionPolicy, changes ...func(*snapshotv1.VolumeSnapshotClass)) *snapshotv1.VolumeSnapshotClass {
	c := &snapshotv1.VolumeSnapshotClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Driver: driverName, DeletionPolicy: policy}
	for _, change := range changes {
		change(c)
	}
	return c
}

func isDefault(c *snapshotv1.VolumeSnapshotClass) {
	c.Annotations = map[string]string{snapshotkinds.DefaultClass: "true"}
}

type change = func(*snapshotv1.VolumeSnapshot)

func snapshot(name string, changes ...change) *snapshotv1.VolumeSnapshot {
	s := &snapshotv1.VolumeSnapshot{ObjectMeta: named(name)}
	for _, change := range changes {
		change(s)
	}
	return s
}

func of(claim string) change {
	return func(s *snapshotv1.VolumeSnapshot) { s.Spec.Source.PersistentVolumeClaimName = &claim }
}

func ofContentNamed(name string) change {
	return func(s *snapshotv1.VolumeSnapshot) { s.Spec.Source.VolumeSnapshotContentName = &name }
}

func ofClassNamed(name string) change {
	return func(s *snapshotv1.VolumeSnapshot) { s.Spec.VolumeSnapshotClassName = &name }
}

// byHand is a content that people made, for a snapshot of the same name.
func byHand(name, handle string, policy snapshotv1.DeletionPolicy) *snapshotv1.VolumeSnapshotContent {
	return &snapshotv1.VolumeSnapshotContent{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: snapshotv1.VolumeSnapshotContentSpec{
			Driver: driverName, DeletionPolicy: policy, Source: snapshotv1.VolumeSnapshotContentSource{SnapshotHandle: &handle},
			VolumeSnapshotRef: corev1.ObjectReference{Namespace: "default", Name: name},
		},
	}
}

func known(s *snapshotv1.VolumeSnapshot) { s.UID = types.UID(s.Name) }
