package pvprotection

import (
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
)

var (
	protected = gen.Finalized[*ocorev1.PersistentVolume](finalizer)
	deleted   = gen.Deleted[*ocorev1.PersistentVolume]
	bound     = func(volume *ocorev1.PersistentVolume) {
		volume.Status.Phase = corev1.VolumeBound
		volume.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "default", Name: "data"}
	}
)

func TestPlan(t *testing.T) {
	for _, tt := range []struct {
		name   string
		volume *ocorev1.PersistentVolume
		want   string
	}{
		{"a volume without the finalizer gets it", gen.PersistentVolume("disk"),
			"add finalizer kubernetes.io/pv-protection to PersistentVolume disk: it must not go away while it is in use"},
		{"one that has it and stays is left alone", gen.PersistentVolume("disk", protected), "nothing to do"},
		{"a deleted volume that is bound stays", gen.PersistentVolume("disk", protected, bound, deleted),
			"nothing to do: it is being deleted, and claim default/data uses it"},
		{"one that is not goes", gen.PersistentVolume("disk", protected, deleted),
			"remove finalizer kubernetes.io/pv-protection from PersistentVolume disk: it is being deleted, and nobody uses it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, err := Controller{}.Observe(t.Context(), loop.View{}, tt.volume)
			if err != nil {
				t.Fatal(err)
			}
			if got := (Controller{}).Plan(tt.volume, w, gen.Now).String(); got != tt.want {
				t.Errorf("the plan is %q, want %q", got, tt.want)
			}
		})
	}
}
