package cronjob

import (
	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/framework/loop"
)

// +kubebuilder:rbac:groups=batch,resources=cronjobs,verbs=get;list;watch
// +kubebuilder:rbac:groups=batch,resources=cronjobs/status,verbs=patch
// +kubebuilder:rbac:groups=batch,resources=cronjobs/finalizers,verbs=update
// +kubebuilder:rbac:groups=batch,resources=jobs,verbs=get;list;watch;create;delete
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for CronJobs.
type Controller struct{}

var _ loop.Controller[*obatchv1.CronJob, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("cronjob-controller", Controller{},
		loop.Owns(&obatchv1.Job{}),
		ownership.Indexed(&obatchv1.Job{}),
	)
}
