package replicationcontroller

import (
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/conditionsof"
	"github.com/orrery-dev/orrery/controllers/internal/replicacontrol"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
)

// status counts the observed pods. failed is why they could not be brought to the desired number; nil means they were.
func status(rc *ocorev1.ReplicationController, w world, failed error, now time.Time) corev1.ReplicationControllerStatus {
	counts := replicacontrol.Count(setOf(rc), w.World, now)
	return corev1.ReplicationControllerStatus{
		ObservedGeneration:   rc.Generation,
		Replicas:             counts.Replicas,
		FullyLabeledReplicas: counts.FullyLabeled,
		ReadyReplicas:        counts.Ready,
		AvailableReplicas:    counts.Available,
		Conditions:           conditions(rc, w, failed, now),
	}
}

// conditions are those of rc, with ReplicaFailure as long as something is in the way. The first failure is kept: its
// time says since when.
func conditions(rc *ocorev1.ReplicationController, w world, failed error, now time.Time) []corev1.ReplicationControllerCondition {
	_, reported := conditionsof.ReplicationController.Find(rc.Status.Conditions, corev1.ReplicationControllerReplicaFailure)
	switch {
	case failed == nil || plan.NamespaceTerminating(failed):
		return conditionsof.ReplicationController.Remove(rc.Status.Conditions, corev1.ReplicationControllerReplicaFailure)
	case reported:
		return rc.Status.Conditions
	default:
		reason, message := replicacontrol.Failure(setOf(rc), w.World, failed)
		return conditionsof.ReplicationController.Set(rc.Status.Conditions, corev1.ReplicationControllerCondition{
			Type: corev1.ReplicationControllerReplicaFailure, Status: corev1.ConditionTrue, Reason: reason, Message: message,
		}, now)
	}
}
