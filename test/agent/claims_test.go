package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/internal/await"
)

// claimed: a pod waits until its claim is bound, finds there what is on the node, and leaves it behind.
func (w *cluster) claimed(t *testing.T) {
	p := w.in(t)
	kept := filepath.Join(t.TempDir(), "kept")
	if err := os.WriteFile(kept, []byte("from before"), 0o644); err != nil {
		t.Fatal(err)
	}
	claim := p.claim("data", filepath.Dir(kept))
	p.create("claimed", func(pod *corev1.Pod) {
		pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: ptr.To[int64](1000), FSGroup: ptr.To[int64](1234)}
		pod.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim.Name, ReadOnly: true},
		}}}
		pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "data", MountPath: "/data"}}
	})
	await.Success(t, "the pod says what it waits for", func() error {
		if events := p.events("claimed"); !strings.Contains(events, "PVC is not bound") {
			return fmt.Errorf("its events are %s", events)
		}
		return nil
	})
	claim.Status = corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound}
	if _, err := p.client.CoreV1().PersistentVolumeClaims("default").UpdateStatus(t.Context(), claim, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	p.ready("claimed")
	for command, want := range map[string]string{"/data/kept": "from before", "/proc/self/mountinfo": " /data ro,"} {
		if out, err := p.exec("claimed", "/web", "cat", command); err != nil || !strings.Contains(out, want) {
			t.Errorf("%s is %q (%v), want %q in it", command, out, err, want)
		}
	}
	p.remove("claimed")
	if content, err := os.ReadFile(kept); err != nil || string(content) != "from before" {
		t.Errorf("the pod left %q (%v)", content, err)
	}
}

// claim makes a claim and the local volume that it has chosen, and does not say yet that they are bound.
func (w *cluster) claim(name, path string) *corev1.PersistentVolumeClaim {
	w.t.Helper()
	size := corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
	modes := []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"}}
	claim.Spec = corev1.PersistentVolumeClaimSpec{
		AccessModes: modes, Resources: corev1.VolumeResourceRequirements{Requests: size}, StorageClassName: ptr.To(""), VolumeName: name,
	}
	claim, err := w.client.CoreV1().PersistentVolumeClaims("default").Create(w.t.Context(), claim, metav1.CreateOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	volume := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: name}}
	volume.Spec = corev1.PersistentVolumeSpec{
		AccessModes: modes, Capacity: size, PersistentVolumeSource: corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: path}},
		ClaimRef: &corev1.ObjectReference{Namespace: "default", Name: name, UID: claim.UID},
		NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchFields: []corev1.NodeSelectorRequirement{{Key: "metadata.name", Operator: corev1.NodeSelectorOpIn, Values: []string{nodeName}}},
		}}}},
	}
	if _, err := w.client.CoreV1().PersistentVolumes().Create(w.t.Context(), volume, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
	return claim
}
