package pvbinder

import (
	"fmt"
	"slices"
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
)

func TestTheBestVolume(t *testing.T) {
	labelled := func(volume *ocorev1.PersistentVolume) { volume.Labels = map[string]string{"tier": "gold"} }
	wantsGold := func(claim *ocorev1.PersistentVolumeClaim) {
		claim.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"tier": "gold"}}
	}
	both := allows(corev1.ReadWriteOnce, corev1.ReadOnlyMany)
	for _, tt := range []struct {
		name    string
		claim   []ofClaim
		volumes []*ocorev1.PersistentVolume
		want    string
	}{
		{"is the smallest that will do", nil, all(gen.PersistentVolume("big", size("5Gi")), gen.PersistentVolume("small", size("2Gi")), gen.PersistentVolume("tiny", size("1Mi"))), "small"},
		{"has the fewest access modes, though it is larger", nil, all(gen.PersistentVolume("shared", both), gen.PersistentVolume("plain", size("5Gi"))), "plain"},
		{"may have more access modes", nil, all(gen.PersistentVolume("shared", both)), "shared"},
		{"is the one that names the claim, though it is larger and has more access modes", nil,
			all(gen.PersistentVolume("plain"), gen.PersistentVolume("reserved", gen.PreBound("data", ""), both, size("5Gi"))), "reserved"},
		{"names the claim, and no other of its name", nil, all(gen.PersistentVolume("old", gen.PreBound("data", "old"))), ""},
		{"names the claim, and is large enough", nil, all(gen.PersistentVolume("tiny", gen.TakenBy("data"), size("1Mi"))), ""},
		{"is selected", []ofClaim{wantsGold}, all(gen.PersistentVolume("a"), gen.PersistentVolume("b", labelled)), "b"},
		{"is of the volume mode", nil, all(gen.PersistentVolume("raw", block)), ""},
		{"is of the class", nil, all(gen.PersistentVolume("fast", gen.VolumeOfClass("fast"))), ""},
		{"is the first by name of those that are as good", nil, all(gen.PersistentVolume("b"), gen.PersistentVolume("a")), "a"},
		{"is not being deleted", nil, all(gen.PersistentVolume("going", gen.Deleted)), ""},
		{"is said to be available", nil, all(gen.PersistentVolume("new", func(v *ocorev1.PersistentVolume) { v.Status.Phase = corev1.VolumePending })), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found, err := match(gen.PersistentVolumeClaim("data", tt.claim...), tt.volumes, false)
			if err != nil {
				t.Fatal(err)
			}
			if got := nameOf(found); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestNoBetterVolumeIsPassedOver compares the choice with a rule that looks at every volume on its own.
func TestNoBetterVolumeIsPassedOver(t *testing.T) {
	claim := gen.PersistentVolumeClaim("data")
	rapid.Check(t, func(t *rapid.T) {
		var volumes []*ocorev1.PersistentVolume
		for i := range rapid.IntRange(0, 8).Draw(t, "volumes") {
			volumes = append(volumes, anyVolume(t, i))
		}
		want := ""
		for _, v := range slices.SortedFunc(slices.Values(volumes), better) {
			if unfit(v, claim) == "" && v.Status.Phase == corev1.VolumeAvailable {
				want = v.Name
				break
			}
		}
		found, err := match(claim, volumes, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := nameOf(found); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

func nameOf(v *ocorev1.PersistentVolume) string {
	if v == nil {
		return ""
	}
	return v.Name
}

// anyVolume is a free volume.
func anyVolume(t *rapid.T, i int) *ocorev1.PersistentVolume {
	return gen.PersistentVolume(fmt.Sprint("v", i),
		size(rapid.SampledFrom([]string{"1Mi", "1Gi", "2Gi"}).Draw(t, "size")),
		gen.VolumeOfClass(rapid.SampledFrom([]string{"", "", "fast"}).Draw(t, "class")),
		allows(rapid.SampledFrom([][]corev1.PersistentVolumeAccessMode{
			{corev1.ReadWriteOnce}, {corev1.ReadOnlyMany}, {corev1.ReadWriteOnce, corev1.ReadOnlyMany}, {corev1.ReadWriteOnce, corev1.ReadWriteOnce},
		}).Draw(t, "modes")...),
		func(v *ocorev1.PersistentVolume) {
			v.Status.Phase = rapid.SampledFrom([]corev1.PersistentVolumePhase{corev1.VolumeAvailable, corev1.VolumeAvailable, corev1.VolumePending}).Draw(t, "phase")
			if rapid.IntRange(0, 5).Draw(t, "goes") == 0 {
				gen.Deleted(v)
			}
		})
}

// better orders volumes by how many access modes they have, their size, and their names.
func better(a, b *ocorev1.PersistentVolume) int {
	if n := modes((*corev1.PersistentVolume)(a)) - modes((*corev1.PersistentVolume)(b)); n != 0 {
		return n
	}
	if n := a.Spec.Capacity.Storage().Cmp(*b.Spec.Capacity.Storage()); n != 0 {
		return n
	}
	if a.Name < b.Name {
		return -1
	}
	return 1
}
