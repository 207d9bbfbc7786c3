package job

import (
	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/framework/loop"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +kubebuilder:rbac:groups=batch,resources=jobs,verbs=get;list;watch
// +kubebuilder:rbac:groups=batch,resources=jobs/status,verbs=patch
// +kubebuilder:rbac:groups=batch,resources=jobs/finalizers,verbs=update
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for Jobs.
type Controller struct{}

var _ loop.Controller[*obatchv1.Job, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("job-controller", Controller{},
		loop.Owns(&ocorev1.Pod{}),
		ownership.WakesAdopters[*obatchv1.Job, *ocorev1.Pod](&obatchv1.JobList{}, selectorOf),
		ownership.Indexed(&ocorev1.Pod{}),
	)
}

func selectorOf(job *obatchv1.Job) *metav1.LabelSelector { return selecting(job).Spec.Selector }
