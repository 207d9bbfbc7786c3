package ttlafterfinished

import (
	"fmt"
	"time"

	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	"github.com/orrery-dev/orrery/controllers/internal/expiry"
	"github.com/orrery-dev/orrery/framework/plan"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Plan deletes the Job when its time has passed.
func (Controller) Plan(job *obatchv1.Job, w world, now time.Time) *plan.Plan {
	p := plan.New()
	if job.DeletionTimestamp != nil || w.finished.IsZero() {
		return p
	}
	if expiry.Over(p, w.finished, job.Spec.TTLSecondsAfterFinished, now, "its time to live ends") {
		why := fmt.Sprintf("it was over at %s, and may lie about for %d s", w.finished.UTC().Format(time.DateTime), *job.Spec.TTLSecondsAfterFinished)
		p.Delete(why, job).Unchanged().With(client.PropagationPolicy(metav1.DeletePropagationForeground))
	}
	return p
}
