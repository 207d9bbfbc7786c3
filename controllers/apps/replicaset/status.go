package replicaset

import (
	"time"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	"github.com/orrery-dev/orrery/controllers/internal/conditionsof"
	"github.com/orrery-dev/orrery/controllers/internal/podcontrol"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/framework/plan"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// report plans the status, and to look again when the next pod becomes available by staying ready.
func report(p *plan.Plan, rs *oappsv1.ReplicaSet, w world, now time.Time) {
	p.StatusAfter(rs, func(failed error) client.Object {
		reported := rs.DeepCopy()
		reported.Status = status(rs, w, failed, now)
		return reported
	})
	if wait, ok := replicas.UntilAvailable(w.claims.Held, rs.Spec.MinReadySeconds, now); ok {
		p.After(wait, "another pod will have been ready for minReadySeconds")
	}
}

// status counts the observed pods. failed is why they could not be brought to the desired number; nil means they were.
func status(rs *oappsv1.ReplicaSet, w world, failed error, now time.Time) appsv1.ReplicaSetStatus {
	terminating := int32(len(w.terminating))
	s := appsv1.ReplicaSetStatus{
		ObservedGeneration:  rs.Generation,
		Replicas:            int32(len(w.claims.Held)),
		TerminatingReplicas: &terminating,
		Conditions:          conditions(rs, len(w.claims.Held), failed, now),
	}
	template := labels.SelectorFromSet(rs.Spec.Template.Labels)
	for _, pod := range w.claims.Held {
		if template.Matches(labels.Set(pod.Labels)) {
			s.FullyLabeledReplicas++
		}
		if replicas.Ready(pod) {
			s.ReadyReplicas++
		}
		if replicas.Available(pod, rs.Spec.MinReadySeconds, now) {
			s.AvailableReplicas++
		}
	}
	return s
}

// conditions are those of rs, with ReplicaFailure as long as something is in the way. The first failure is kept: its
// time says since when.
func conditions(rs *oappsv1.ReplicaSet, pods int, failed error, now time.Time) []appsv1.ReplicaSetCondition {
	_, reported := conditionsof.ReplicaSet.Find(rs.Status.Conditions, appsv1.ReplicaSetReplicaFailure)
	switch {
	case failed == nil || plan.NamespaceTerminating(failed):
		return conditionsof.ReplicaSet.Remove(rs.Status.Conditions, appsv1.ReplicaSetReplicaFailure)
	case reported:
		return rs.Status.Conditions
	default:
		return conditionsof.ReplicaSet.Set(rs.Status.Conditions, replicaFailure(pods < desired(rs), failed), now)
	}
}

func replicaFailure(creating bool, failed error) appsv1.ReplicaSetCondition {
	c := appsv1.ReplicaSetCondition{
		Type:    appsv1.ReplicaSetReplicaFailure,
		Status:  corev1.ConditionTrue,
		Reason:  podcontrol.ReasonFailedCreate,
		Message: plan.Cause(failed).Error(),
	}
	if !creating {
		c.Reason = podcontrol.ReasonFailedDelete
		c.Message = "unable to delete pods: " + c.Message
	}
	return c
}
