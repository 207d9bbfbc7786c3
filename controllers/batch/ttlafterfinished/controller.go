package ttlafterfinished

import (
	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// +kubebuilder:rbac:groups=batch,resources=jobs,verbs=get;list;watch;delete

// Controller decides for Jobs.
type Controller struct{}

var _ loop.Controller[*obatchv1.Job, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("ttl-after-finished-controller", Controller{}, loop.When(limited))
}

// limited lets pass what has a time to live.
var limited = predicate.NewPredicateFuncs(func(obj client.Object) bool {
	job, ok := obj.(*obatchv1.Job)
	return ok && job.Spec.TTLSecondsAfterFinished != nil
})
