package pvcprotection

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/podclaims"
	"github.com/orrery-dev/orrery/framework/loop"
)

// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=pods,verbs=list

// Controller decides for PersistentVolumeClaims.
type Controller struct{}

var _ loop.Controller[*ocorev1.PersistentVolumeClaim, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("persistentvolumeclaim-protection-controller", Controller{},
		podclaims.Indexed(),
		loop.Watches(podclaims.Keys, loop.Update(matters)),
	)
}

// matters reports that a pod's change may change whether it uses its claims.
func matters(was, is *ocorev1.Pod) bool {
	return was.UID != is.UID || was.Spec.NodeName != is.Spec.NodeName || was.Status.Phase != is.Status.Phase || shutDown(was) != shutDown(is)
}
