package orphanedjobpods

import (
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	batchv1 "k8s.io/api/batch/v1"
)

// Plan takes the finalizer off a pod that nobody will count.
func (Controller) Plan(pod *ocorev1.Pod, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	if w.orphaned != "" {
		p.RemoveFinalizer(w.orphaned, pod, batchv1.JobTrackingFinalizer)
	}
	return p
}
