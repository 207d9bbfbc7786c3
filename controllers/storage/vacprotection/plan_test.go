package vacprotection

import (
	"slices"
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var (
	protected = gen.Finalized[*storagev1.VolumeAttributesClass](finalizer)
	deleted   = gen.Deleted[*storagev1.VolumeAttributesClass]
)

func class(name string, changes ...func(*storagev1.VolumeAttributesClass)) *storagev1.VolumeAttributesClass {
	class := &storagev1.VolumeAttributesClass{ObjectMeta: metav1.ObjectMeta{Name: name}, DriverName: "disks.example.com"}
	for _, change := range changes {
		change(class)
	}
	return class
}

func TestPlan(t *testing.T) {
	for _, tt := range []struct {
		name  string
		class *storagev1.VolumeAttributesClass
		user  string
		want  string
	}{
		{"a class without the finalizer gets it", class("gold"), "",
			"add finalizer kubernetes.io/vac-protection to VolumeAttributesClass gold: it must not go away while it is in use"},
		{"one that has it and stays is left alone", class("gold", protected), "", "nothing to do"},
		{"a deleted class that is used stays", class("gold", protected, deleted), "volume disk",
			"nothing to do: it is being deleted, and volume disk uses it"},
		{"one that is not goes", class("gold", protected, deleted), "",
			"remove finalizer kubernetes.io/vac-protection from VolumeAttributesClass gold: it is being deleted, and nobody uses it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := (Controller{}).Plan(tt.class, world{user: tt.user}, gen.Now).String(); got != tt.want {
				t.Errorf("the plan is %q, want %q", got, tt.want)
			}
		})
	}
}

func TestWhichClassesAreInUse(t *testing.T) {
	gold, silver, lead := "gold", "silver", "lead"
	for _, tt := range []struct {
		name string
		obj  client.Object
		want []string
	}{
		{"none by a claim of no class", gen.PersistentVolumeClaim("data"), nil},
		{"that which a volume has", gen.PersistentVolume("disk", func(volume *ocorev1.PersistentVolume) {
			volume.Spec.VolumeAttributesClassName = &gold
		}), []string{gold}},
		{"those which a claim asks for, has, and is brought to", gen.PersistentVolumeClaim("data", func(claim *ocorev1.PersistentVolumeClaim) {
			claim.Spec.VolumeAttributesClassName = &gold
			claim.Status.CurrentVolumeAttributesClassName = &silver
			claim.Status.ModifyVolumeStatus = &corev1.ModifyVolumeStatus{TargetVolumeAttributesClassName: lead}
		}), []string{gold, silver, lead}},
		{"each once", gen.PersistentVolumeClaim("data", func(claim *ocorev1.PersistentVolumeClaim) {
			claim.Spec.VolumeAttributesClassName, claim.Status.CurrentVolumeAttributesClassName = &gold, &gold
		}), []string{gold}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := classesOf(tt.obj); !slices.Equal(got, tt.want) {
				t.Errorf("in use are %v, want %v", got, tt.want)
			}
		})
	}
}
