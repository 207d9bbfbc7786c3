package pvbinder

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/podclaims"
	"github.com/orrery-dev/orrery/controllers/internal/volumes"
	"github.com/orrery-dev/orrery/framework/loop"
)

// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=persistentvolumes,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups="",resources=persistentvolumes/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch
// +kubebuilder:rbac:groups=storage.k8s.io,resources=storageclasses,verbs=list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for PersistentVolumeClaims.
type Controller struct{}

var _ loop.Controller[*ocorev1.PersistentVolumeClaim, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("persistentvolume-binder-controller", Controller{},
		loop.RecordsAs("persistentvolume-controller"),
		podclaims.Indexed(),
		volumes.Indexed(),
		loop.Indexes(&ocorev1.PersistentVolume{}, freeOfClass, classOfFree),
		loop.Indexes(&ocorev1.PersistentVolumeClaim{}, unboundOfClass, classOfUnbound),
		loop.Indexes(&ocorev1.PersistentVolumeClaim{}, naming, volumeNamed),
		loop.Watches(tiedTo),
		loop.Watches(couldHave, loop.Update(cameFree)),
		loop.Watches(ofClass),
		loop.Watches(waitingFor, loop.Update(waits)),
	)
}
