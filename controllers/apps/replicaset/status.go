package replicaset

import (
	"time"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	"github.com/orrery-dev/orrery/controllers/internal/conditionsof"
	"github.com/orrery-dev/orrery/controllers/internal/replicacontrol"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// status counts the observed pods. failed is why they could not be brought to the desired number; nil means they were.
func status(rs *oappsv1.ReplicaSet, w world, failed error, now time.Time) appsv1.ReplicaSetStatus {
	counts := replicacontrol.Count(setOf(rs), w.World, now)
	return appsv1.ReplicaSetStatus{
		ObservedGeneration:   rs.Generation,
		Replicas:             counts.Replicas,
		FullyLabeledReplicas: counts.FullyLabeled,
		ReadyReplicas:        counts.Ready,
		AvailableReplicas:    counts.Available,
		TerminatingReplicas:  &counts.Terminating,
		Conditions:           conditions(rs, w, failed, now),
	}
}

// conditions are those of rs, with ReplicaFailure as long as something is in the way.
func conditions(rs *oappsv1.ReplicaSet, w world, failed error, now time.Time) []appsv1.ReplicaSetCondition {
	return replicacontrol.Failing(conditionsof.ReplicaSet, rs.Status.Conditions, appsv1.ReplicaSetReplicaFailure, failed, now, func() appsv1.ReplicaSetCondition {
		reason, message := replicacontrol.Failure(setOf(rs), w.World, failed)
		return appsv1.ReplicaSetCondition{Type: appsv1.ReplicaSetReplicaFailure, Status: corev1.ConditionTrue, Reason: reason, Message: message}
	})
}
