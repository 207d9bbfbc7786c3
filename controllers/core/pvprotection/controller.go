package pvprotection

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
)

// +kubebuilder:rbac:groups="",resources=persistentvolumes,verbs=get;list;watch;patch

// Controller decides for PersistentVolumes.
type Controller struct{}

var _ loop.Controller[*ocorev1.PersistentVolume, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("persistentvolume-protection-controller", Controller{})
}
