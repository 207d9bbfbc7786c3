package volumeclaims_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/volumeclaims"
)

func TestClaimsOfAPod(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"}}
	pod.Spec.Volumes = []corev1.Volume{
		{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		{Name: "cache", VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}}},
		{Name: "files", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}},
	}
	for _, tt := range []struct {
		name, namespace, claim string
		uses, names            bool
	}{
		{"the claim that a volume names", "default", "data", true, true},
		{"the claim that is made for an ephemeral volume", "default", "web-cache", true, false},
		{"a claim with the name of a volume", "default", "files", false, false},
		{"a claim of that name in another namespace", "other", "data", false, false},
		{"the claim that would be made for a volume of another kind", "default", "web-scratch", false, false},
		{"a claim without a name", "default", "", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: tt.namespace, Name: tt.claim}}
			if got := volumeclaims.Uses(pod, claim); got != tt.uses {
				t.Errorf("used: %v, want %v", got, tt.uses)
			}
			if got := volumeclaims.Names(pod, claim); got != tt.names {
				t.Errorf("named: %v, want %v", got, tt.names)
			}
			want := fwk.QueueSkip
			if tt.uses {
				want = fwk.Queue
			}
			if got, err := volumeclaims.After(volumeclaims.Uses)(klog.Background(), pod, nil, claim); got != want || err != nil {
				t.Errorf("when the claim comes the pod is brought back: %v (%v), want %v", got, err, want)
			}
		})
	}
}

func TestAnEventOfSomethingElseBringsThePodBackAndIsAnError(t *testing.T) {
	hint, err := volumeclaims.After(volumeclaims.Uses)(klog.Background(), &corev1.Pod{}, nil, &corev1.Node{})
	if hint != fwk.Queue || err == nil {
		t.Errorf("got %v (%v), want the pod back and an error", hint, err)
	}
}
