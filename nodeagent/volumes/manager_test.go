package volumes

import (
	"os"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

var now = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func TestAVolumeThatCannotBeMountedIsNamed(t *testing.T) {
	m := New(Options{Source: source{}})
	pod := &corev1.Pod{}
	pod.Spec.Volumes = []corev1.Volume{
		{Name: "good", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		{Name: "absent", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "c"}}}},
		{Name: "huge", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumHugePages}}},
		{Name: "remote", VolumeSource: corev1.VolumeSource{NFS: &corev1.NFSVolumeSource{}}},
		{Name: "strange"},
		{Name: "last", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
	}
	dir := t.TempDir()
	err := m.Mount(t.Context(), pod, dir)
	want := `MountVolume.SetUp failed for volume "absent" : configmaps "c" not found
MountVolume.SetUp failed for volume "huge" : medium HugePages: containers of the pod request huge pages of 0 sizes: want one, or the size in the medium
MountVolume.SetUp failed for volume "remote" : volumes of this kind are not supported: nfs
MountVolume.SetUp failed for volume "strange" : volumes of this kind are not supported: unknown`
	if err == nil || err.Error() != want {
		t.Errorf("the error is\n%v, want\n%s", err, want)
	}
	for _, i := range []int{0, 5} {
		if _, err := os.Stat(m.Path(pod, dir, &pod.Spec.Volumes[i])); err != nil {
			t.Errorf("the others: %v", err)
		}
	}
}
