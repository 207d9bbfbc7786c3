package servicelb

import (
	"errors"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// conditionError is the condition of a Service whose load balancer cannot be made. There is none of Kubernetes' own for it.
const conditionError = "orrery.dev/LoadBalancerError"

// refusal is what a balancer answered that could not make a load balancer.
type refusal struct{ error }

func (r *refusal) Error() string { return "failed to ensure load balancer: " + r.error.Error() }

func (r *refusal) Unwrap() error { return r.error }

// withErrors is a Service that says what the balancer answered, if that was an error. Other errors say nothing about it.
func withErrors(service *ocorev1.Service, failed error, now time.Time) *ocorev1.Service {
	told := service.DeepCopy()
	var refused *refusal
	switch {
	case errors.As(failed, &refused):
		meta.SetStatusCondition(&told.Status.Conditions, metav1.Condition{
			Type: conditionError, Status: metav1.ConditionTrue, ObservedGeneration: service.Generation,
			LastTransitionTime: metav1.NewTime(now.Truncate(time.Second)), Reason: reasonSyncFailed, Message: refused.Error(),
		})
	case failed == nil:
		meta.RemoveStatusCondition(&told.Status.Conditions, conditionError)
	}
	return told
}

// released is a Service whose load balancer is gone, unless something failed. One that is about to go itself says nothing any more.
func released(service *ocorev1.Service, failed error, now time.Time) *ocorev1.Service {
	told := withErrors(service, failed, now)
	if failed != nil {
		return told
	}
	if service.DeletionTimestamp != nil {
		return service
	}
	told.Status.LoadBalancer = corev1.LoadBalancerStatus{}
	return told
}
