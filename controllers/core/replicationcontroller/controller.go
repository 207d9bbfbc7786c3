package replicationcontroller

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/controllers/internal/replicacontrol"
	"github.com/orrery-dev/orrery/framework/loop"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +kubebuilder:rbac:groups="",resources=replicationcontrollers,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=replicationcontrollers/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=replicationcontrollers/finalizers,verbs=update
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for ReplicationControllers.
type Controller struct{}

var _ loop.Controller[*ocorev1.ReplicationController, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("replicationcontroller-controller", Controller{},
		loop.RecordsAs("replication-controller"),
		loop.Owns(&ocorev1.Pod{}, loop.Update(replicacontrol.Recounts)),
		ownership.WakesAdopters[*ocorev1.ReplicationController, *ocorev1.Pod](&ocorev1.ReplicationControllerList{}, selectorOf),
		ownership.Indexed(&ocorev1.Pod{}),
	)
}

// selectorOf is the selector as other kinds have it. An empty one would select everything there, and selects nothing here.
func selectorOf(rc *ocorev1.ReplicationController) *metav1.LabelSelector {
	if len(rc.Spec.Selector) == 0 {
		return nil
	}
	return &metav1.LabelSelector{MatchLabels: rc.Spec.Selector}
}
