package disruption

import (
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	opolicyv1 "github.com/orrery-dev/orrery/apis/policy/v1"
	"github.com/orrery-dev/orrery/controllers/internal/conditionsof"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// counts are how many pods there shall be, and how many of them have to be healthy.
type counts struct{ pods, healthy int32 }

// expected is what the budget asks for. It is an error where the replicas of the pods' controllers are not known.
func expected(budget *opolicyv1.PodDisruptionBudget, w world) (counts, error) {
	if w.unscaled != nil {
		return counts{}, w.unscaled
	}
	all := int32(len(w.pods))
	if needsScales(budget) {
		all = 0
		for _, replicas := range w.scales {
			all += replicas
		}
	}
	switch most, least := budget.Spec.MaxUnavailable, budget.Spec.MinAvailable; {
	case most != nil:
		unavailable, err := intstr.GetScaledValueFromIntOrPercent(most, int(all), true)
		return counts{all, max(0, all-int32(unavailable))}, err
	case least != nil:
		available, err := intstr.GetScaledValueFromIntOrPercent(least, int(all), true)
		return counts{all, int32(available)}, err
	default:
		return counts{}, nil
	}
}

// status counts the healthy ones of pods, without those that are going, and what is above what has to be healthy.
func status(budget *opolicyv1.PodDisruptionBudget, pods []*ocorev1.Pod, going map[string]metav1.Time, want counts, now time.Time) policyv1.PodDisruptionBudgetStatus {
	s := policyv1.PodDisruptionBudgetStatus{
		ObservedGeneration: budget.Generation,
		DisruptedPods:      going,
		DesiredHealthy:     want.healthy,
		ExpectedPods:       want.pods,
	}
	for _, pod := range pods {
		if _, goes := going[pod.Name]; !goes && pod.DeletionTimestamp == nil && replicas.Ready(pod) {
			s.CurrentHealthy++
		}
	}
	if want.pods > 0 { // where none are expected, the first ones to come must not be evicted before they are counted
		s.DisruptionsAllowed = max(0, s.CurrentHealthy-want.healthy)
	}
	condition := metav1.Condition{Type: policyv1.DisruptionAllowedCondition, Status: metav1.ConditionFalse, Reason: policyv1.InsufficientPodsReason}
	if s.DisruptionsAllowed > 0 {
		condition.Status, condition.Reason = metav1.ConditionTrue, policyv1.SufficientPodsReason
	}
	condition.ObservedGeneration = budget.Generation
	s.Conditions = conditionsof.PodDisruptionBudget.Set(budget.Status.Conditions, condition, now)
	return s
}

// failed is the status of a budget whose pods could not be counted: none may go, and all else is as it was.
func failed(budget *opolicyv1.PodDisruptionBudget, err error, now time.Time) policyv1.PodDisruptionBudgetStatus {
	s := *budget.Status.DeepCopy()
	s.DisruptionsAllowed = 0
	s.Conditions = conditionsof.PodDisruptionBudget.Set(s.Conditions, metav1.Condition{
		Type: policyv1.DisruptionAllowedCondition, Status: metav1.ConditionFalse, Reason: policyv1.SyncFailedReason,
		Message: err.Error(), ObservedGeneration: s.ObservedGeneration,
	}, now)
	return s
}
