package replicaset

import (
	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/controllers/internal/replicacontrol"
	"github.com/orrery-dev/orrery/framework/loop"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +kubebuilder:rbac:groups=apps,resources=replicasets,verbs=get;list;watch
// +kubebuilder:rbac:groups=apps,resources=replicasets/status,verbs=patch
// +kubebuilder:rbac:groups=apps,resources=replicasets/finalizers,verbs=update
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for ReplicaSets.
type Controller struct{}

var _ loop.Controller[*oappsv1.ReplicaSet, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("replicaset-controller", Controller{},
		loop.Owns(&ocorev1.Pod{}, loop.Update(replicacontrol.Recounts)),
		ownership.WakesAdopters[*oappsv1.ReplicaSet, *ocorev1.Pod](&oappsv1.ReplicaSetList{}, selectorOf),
		ownership.Indexed(&ocorev1.Pod{}),
		ownership.Indexed(&oappsv1.ReplicaSet{}),
	)
}

func selectorOf(rs *oappsv1.ReplicaSet) *metav1.LabelSelector { return rs.Spec.Selector }
