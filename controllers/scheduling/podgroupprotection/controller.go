package podgroupprotection

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	oschedulingv1beta1 "github.com/orrery-dev/orrery/apis/scheduling/v1beta1"
	"github.com/orrery-dev/orrery/controllers/internal/podgroups"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/framework/loop"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// +kubebuilder:rbac:groups=scheduling.k8s.io,resources=podgroups,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=pods,verbs=list

// Controller decides for PodGroups.
type Controller struct{}

var _ loop.Controller[*oschedulingv1beta1.PodGroup, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("podgroup-protection-controller", Controller{},
		podgroups.Indexed(),
		loop.Watches(podgroups.Key, ended),
	)
}

// ended lets pass that a pod holds its group no more. A pod that went while another one came by its name may show as one change.
var ended = predicate.Funcs{
	CreateFunc: func(event.CreateEvent) bool { return false },
	UpdateFunc: func(e event.UpdateEvent) bool {
		was, is := e.ObjectOld.(*ocorev1.Pod), e.ObjectNew.(*ocorev1.Pod)
		return was.UID != is.UID || !replicas.Ended(was) && replicas.Ended(is)
	},
}
