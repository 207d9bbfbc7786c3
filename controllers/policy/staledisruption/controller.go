package staledisruption

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=pods/status,verbs=patch

// Controller decides for Pods.
type Controller struct{}

var _ loop.Controller[*ocorev1.Pod, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("stale-disruption-controller", Controller{}, loop.When(disrupted))
}

// disrupted lets pass what is to be disrupted and goes on.
var disrupted = predicate.NewPredicateFuncs(func(obj client.Object) bool {
	pod, ok := obj.(*ocorev1.Pod)
	return ok && !since(pod).IsZero()
})
