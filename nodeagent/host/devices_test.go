package host

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestAContainerHasVolumesAsDevices(t *testing.T) {
	pod := &corev1.Pod{}
	pod.UID = "u"
	pod.Spec.Volumes = []corev1.Volume{
		{Name: "disk", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "c"}}},
		{Name: "read", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "c", ReadOnly: true}}},
	}
	spec := &corev1.Container{Name: "main", VolumeDevices: []corev1.VolumeDevice{{Name: "disk", DevicePath: "/dev/a"}, {Name: "read", DevicePath: "/dev/b"}}}
	h := New(Options{RootDir: "/root", Volumes: plainVolumes{}})
	devices, err := h.devices(pod, spec)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range devices {
		got = append(got, fmt.Sprintf("%s at %s %s", d.HostPath, d.ContainerPath, d.Permissions))
	}
	if want := "[/root/pods/u/disk at /dev/a mrw /root/pods/u/read at /dev/b mr]"; fmt.Sprint(got) != want {
		t.Errorf("the devices are %v, want %s", got, want)
	}
	spec.VolumeDevices[0].Name = "none"
	if _, err := h.devices(pod, spec); err == nil || err.Error() != `cannot find volume "none" to pass into container "main"` {
		t.Errorf("a volume that is not there: %v", err)
	}
	if devices, err := New(Options{}).devices(pod, spec); devices != nil || err != nil {
		t.Errorf("a simulated node has %v, %v", devices, err)
	}
}
