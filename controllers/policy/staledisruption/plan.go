package staledisruption

import (
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/conditionsof"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
)

// patience is how long a pod may be about to be disrupted until nobody believes it any more.
const patience = 2 * time.Minute

// Plan takes the condition back when it is stale.
func (Controller) Plan(pod *ocorev1.Pod, w world, now time.Time) *plan.Plan {
	p := plan.New()
	if w.since.IsZero() {
		return p
	}
	if left := w.since.Add(patience).Sub(now); left > 0 {
		p.After(left, "it was to be disrupted, and may be yet")
		return p
	}
	goesOn := pod.DeepCopy()
	goesOn.Status.Conditions = conditionsof.Pod.Set(pod.Status.Conditions, corev1.PodCondition{
		Type: corev1.DisruptionTarget, Status: corev1.ConditionFalse, ObservedGeneration: pod.Generation,
	}, now)
	p.Status(pod, goesOn)
	return p
}
