package deleter

import (
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/storage/driver"
	"github.com/orrery-dev/orrery/storage/simulated"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const name = "disks.example.com"

func TestPlan(t *testing.T) {
	const (
		removes = "have disks.example.com delete the volume of PersistentVolume v: its claim is gone, and its reclaim policy is Delete\n"
		adds    = "add finalizer external-provisioner.volume.kubernetes.io/finalizer to PersistentVolume v: its driver has to delete it before it goes"
		lets    = "remove finalizer external-provisioner.volume.kubernetes.io/finalizer from PersistentVolume v: "
	)
	phase := func(phase corev1.PersistentVolumePhase) func(*ocorev1.PersistentVolume) {
		return func(v *ocorev1.PersistentVolume) { v.Status.Phase = phase }
	}
	held := func(v *ocorev1.PersistentVolume) { v.Finalizers = []string{driver.Finalizer} }
	retained := func(v *ocorev1.PersistentVolume) {
		v.Spec.PersistentVolumeReclaimPolicy = corev1.PersistentVolumeReclaimRetain
	}
	going := func(v *ocorev1.PersistentVolume) { v.DeletionTimestamp = new(metav1.Now()) }
	elsewhere := func(v *ocorev1.PersistentVolume) {
		v.Spec.NodeAffinity = driver.Affinity(map[string]string{"node": "two"})
	}
	others := func(v *ocorev1.PersistentVolume) { v.Spec.CSI.Driver = "other" }
	byHand := func(v *ocorev1.PersistentVolume) { v.Annotations = nil }
	type changes = []func(*ocorev1.PersistentVolume)
	for _, tt := range []struct {
		name    string
		changes changes
		want    string
	}{
		{"a volume that is bound is held", changes{phase(corev1.VolumeBound)}, adds},
		{"once", changes{phase(corev1.VolumeBound), held}, "nothing to do"},
		{"one that is to stay is not", changes{phase(corev1.VolumeBound), held, retained}, lets + "its reclaim policy is Retain"},
		{"one that is released is deleted, by its driver first", changes{phase(corev1.VolumeReleased), held}, removes + "delete PersistentVolume v: its driver has deleted it"},
		{"so is one that people made", changes{phase(corev1.VolumeReleased), held, byHand}, removes + "delete PersistentVolume v: its driver has deleted it"},
		{"one that is going is let go when its driver has deleted it", changes{phase(corev1.VolumeReleased), held, going}, removes + lets + "its driver has deleted it"},
		{"one that is gone but for others' finalizers is left alone", changes{phase(corev1.VolumeReleased), going}, "nothing to do"},
		{"one that is to stay is left alone", changes{phase(corev1.VolumeReleased), retained}, "nothing to do"},
		{"so is one that is free", changes{phase(corev1.VolumeAvailable)}, "nothing to do"},
		{"so is one that is elsewhere", changes{phase(corev1.VolumeReleased), elsewhere}, "nothing to do"},
		{"so is one of another driver", changes{phase(corev1.VolumeReleased), others}, "nothing to do"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := &ocorev1.PersistentVolume{
				ObjectMeta: metav1.ObjectMeta{Name: "v", Annotations: map[string]string{"pv.kubernetes.io/provisioned-by": name}},
				Spec: corev1.PersistentVolumeSpec{
					PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimDelete, NodeAffinity: driver.Affinity(map[string]string{"node": "one"}),
					PersistentVolumeSource: corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: name, VolumeHandle: "v"}},
				},
			}
			for _, change := range tt.changes {
				change(v)
			}
			c := Controller{(&simulated.Controller{}).Driver(name, driver.Node{Name: "one", In: map[string]string{"node": "one"}})}
			if got := c.Plan(v, struct{}{}, time.Time{}).String(); got != tt.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}
