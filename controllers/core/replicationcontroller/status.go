package replicationcontroller

import (
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/conditionsof"
	"github.com/orrery-dev/orrery/controllers/internal/replicacontrol"
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

// conditions are those of rc, with ReplicaFailure as long as something is in the way.
func conditions(rc *ocorev1.ReplicationController, w world, failed error, now time.Time) []corev1.ReplicationControllerCondition {
	return replicacontrol.Failing(conditionsof.ReplicationController, rc.Status.Conditions, corev1.ReplicationControllerReplicaFailure, failed, now, func() corev1.ReplicationControllerCondition {
		reason, message := replicacontrol.Failure(setOf(rc), w.World, failed)
		return corev1.ReplicationControllerCondition{Type: corev1.ReplicationControllerReplicaFailure, Status: corev1.ConditionTrue, Reason: reason, Message: message}
	})
}
