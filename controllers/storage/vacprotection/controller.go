package vacprotection

import (
	"context"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	storagev1 "k8s.io/api/storage/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// +kubebuilder:rbac:groups=storage.k8s.io,resources=volumeattributesclasses,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups="",resources=persistentvolumes;persistentvolumeclaims,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=persistentvolumes;persistentvolumeclaims,verbs=list

// Controller decides for VolumeAttributesClasses.
type Controller struct{}

var _ loop.Controller[*storagev1.VolumeAttributesClass, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("volumeattributesclass-protection-controller", Controller{},
		loop.Indexes(&ocorev1.PersistentVolume{}, field, classesOf),
		loop.Indexes(&ocorev1.PersistentVolumeClaim{}, field, classesOf),
		loop.Watches(classesOfVolume),
		loop.Watches(classesOfClaim),
	)
}

func classesOfVolume(_ context.Context, _ client.Reader, volume *ocorev1.PersistentVolume) ([]client.ObjectKey, error) {
	return keys(classesOf(volume)), nil
}

func classesOfClaim(_ context.Context, _ client.Reader, claim *ocorev1.PersistentVolumeClaim) ([]client.ObjectKey, error) {
	return keys(classesOf(claim)), nil
}

func keys(names []string) []client.ObjectKey {
	keys := make([]client.ObjectKey, len(names))
	for i, name := range names {
		keys[i] = client.ObjectKey{Name: name}
	}
	return keys
}
