package disruption

import (
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	opolicyv1 "github.com/orrery-dev/orrery/apis/policy/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// deletionTimeout is how long a pod that is to be deleted counts as going, as far as nothing is seen of it.
	deletionTimeout = 2 * time.Minute
	// recount is when to look again after something could not be counted.
	recount = 15 * time.Second
)

// Plan reports what may be evicted.
func (Controller) Plan(budget *opolicyv1.PodDisruptionBudget, w world, now time.Time) *plan.Plan {
	p := plan.New()
	reported := budget.DeepCopy()
	going, overdue, again := disrupted(budget, w.pods, now)
	if expected, err := expected(budget, w); err != nil {
		reported.Status = failed(budget, err, now)
		p.EventOnce(budget, plan.Warning, reasonNotCounted, "Failed to calculate the number of expected pods: %v", err)
		p.After(recount, "the pods are counted again")
	} else {
		reported.Status = status(budget, w.pods, going, expected, now)
	}
	remark(p, budget, w)
	p.Status(budget, reported)
	for _, pod := range overdue {
		p.Event(pod, plan.Warning, reasonNotDeleted, "Pod was expected by PDB %s/%s to be deleted but it wasn't", budget.Namespace, budget.Name)
	}
	if !again.IsZero() {
		p.After(again.Sub(now), "a pod that is to be deleted will have had its time")
	}
	return p
}

// disrupted sorts the pods that are to be deleted: those that may still go, those whose time is over, and when the next one's is.
func disrupted(budget *opolicyv1.PodDisruptionBudget, pods []*ocorev1.Pod, now time.Time) (going map[string]metav1.Time, overdue []*ocorev1.Pod, again time.Time) {
	for _, pod := range pods {
		since, listed := budget.Status.DisruptedPods[pod.Name]
		if !listed || pod.DeletionTimestamp != nil {
			continue
		}
		until := since.Add(deletionTimeout)
		if until.Before(now) {
			overdue = append(overdue, pod)
			continue
		}
		if going == nil {
			going = map[string]metav1.Time{}
		}
		going[pod.Name] = since
		if again.IsZero() || until.Before(again) {
			again = until.Add(time.Second) // it is counted again when its time is over, not as it ends
		}
	}
	return going, overdue, again
}
