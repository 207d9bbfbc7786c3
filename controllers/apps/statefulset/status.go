package statefulset

import (
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/framework/plan"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

func (s *slots) report(p *plan.Plan) {
	reported := s.set.DeepCopy()
	reported.Status = s.status()
	p.Status(s.set, reported)
}

// status counts the pods that were observed. When all are of the newest revision and ready, that is the current one.
func (s *slots) status() appsv1.StatefulSetStatus {
	collided := *collisions(s.set)
	status := appsv1.StatefulSetStatus{
		ObservedGeneration: s.set.Generation,
		CurrentRevision:    s.current,
		UpdateRevision:     s.update,
		CollisionCount:     &collided,
		Conditions:         s.set.Status.Conditions,
	}
	for _, pod := range s.w.pods.Held {
		status.Replicas++
		if pod.Status.Phase == corev1.PodRunning && replicas.Ready(pod) {
			status.ReadyReplicas++
			if replicas.Available(pod, s.set.Spec.MinReadySeconds, s.now) {
				status.AvailableReplicas++
			}
		}
		if pod.DeletionTimestamp != nil {
			continue
		}
		if revisionOf(pod) == s.current {
			status.CurrentReplicas++
		}
		if revisionOf(pod) == s.update {
			status.UpdatedReplicas++
		}
	}
	if all := int32(desired(s.set)); status.UpdatedReplicas == all && status.ReadyReplicas == all && status.Replicas == all {
		status.CurrentReplicas, status.CurrentRevision = status.UpdatedReplicas, status.UpdateRevision
	}
	return status
}
