package status

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

func TestAReadOnlyMountSaysWhetherAllBelowItIs(t *testing.T) {
	spec := &corev1.Container{VolumeMounts: []corev1.VolumeMount{
		{Name: "all", MountPath: "data/all", ReadOnly: true}, {Name: "one", MountPath: "/one", ReadOnly: true}, {Name: "open", MountPath: "/open"},
	}}
	got := mounts(spec, &cri.Container{RecursiveReadOnly: []string{"/data/all"}})
	if got[0].RecursiveReadOnly == nil || *got[0].RecursiveReadOnly != corev1.RecursiveReadOnlyEnabled {
		t.Errorf("one that is, with a path that does not begin at the root: %v", got[0].RecursiveReadOnly)
	}
	if got[1].RecursiveReadOnly == nil || *got[1].RecursiveReadOnly != corev1.RecursiveReadOnlyDisabled {
		t.Errorf("one that is not: %v", got[1].RecursiveReadOnly)
	}
	if got[2].RecursiveReadOnly != nil {
		t.Errorf("one that can be written to: %v", *got[2].RecursiveReadOnly)
	}
	if before := mounts(spec, nil); *before[0].RecursiveReadOnly != corev1.RecursiveReadOnlyDisabled {
		t.Errorf("before there is a container: %v", *before[0].RecursiveReadOnly)
	}
}
