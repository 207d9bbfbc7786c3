package deployment

import (
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// report plans the status, and to look again when the progress deadline passes.
func (r *rollout) report(p *plan.Plan) {
	p.StatusAfter(r.d, func(failed error) client.Object {
		reported := r.d.DeepCopy()
		reported.Status = r.status(failed)
		return reported
	})
	if left, ok := r.untilDeadline(r.status(nil)); ok {
		// The deadline has passed only after it, and conditions have whole seconds.
		p.After(left+time.Second, "the progress deadline passes")
	}
}

// status is what the Deployment says. failed is why what was decided could not be done; nil means that it was. A pass that
// makes the new ReplicaSet does nothing else.
func (r *rollout) status(failed error) appsv1.DeploymentStatus {
	s := r.counts()
	conditions := conditions{list: r.d.Status.Conditions, now: r.now}
	if r.d.DeletionTimestamp == nil {
		r.pausing(&conditions)
		r.beginning(&conditions, failed)
	}
	r.availability(&conditions, s)
	if r.rolling && (r.created == nil || failed == nil) {
		r.progress(&conditions, s)
		r.replicaFailure(&conditions)
	}
	s.Conditions = conditions.list
	return s
}

// counts adds up what the ReplicaSets report.
func (r *rollout) counts() appsv1.DeploymentStatus {
	members := r.all()
	s := appsv1.DeploymentStatus{
		ObservedGeneration:  r.d.Generation,
		Replicas:            sum(members, func(m *member) int32 { return m.Status.Replicas }),
		ReadyReplicas:       sum(members, func(m *member) int32 { return m.Status.ReadyReplicas }),
		AvailableReplicas:   sum(members, func(m *member) int32 { return m.Status.AvailableReplicas }),
		TerminatingReplicas: terminating(members),
		CollisionCount:      r.d.Status.CollisionCount,
	}
	asked := sum(members, (*member).asked)
	if r.current != nil {
		s.UpdatedReplicas = r.current.Status.Replicas
	}
	if r.created != nil {
		asked += size(r.created)
	}
	s.UnavailableReplicas = max(0, asked-s.AvailableReplicas)
	if r.collided {
		count := int32(1)
		if s.CollisionCount != nil {
			count += *s.CollisionCount
		}
		s.CollisionCount = &count
	}
	return s
}

// terminating is nil where a ReplicaSet that has been worked on does not report its terminating pods.
func terminating(members []*member) *int32 {
	total := int32(0)
	for _, m := range members {
		if n := m.Status.TerminatingReplicas; n != nil {
			total += *n
		} else if m.Status.ObservedGeneration != 0 {
			return nil
		}
	}
	return &total
}

// availability says whether enough pods are available, whatever their template.
func (r *rollout) availability(c *conditions, s appsv1.DeploymentStatus) {
	if s.AvailableReplicas >= minAvailable(r.d) {
		c.set(appsv1.DeploymentAvailable, corev1.ConditionTrue, reasonAvailable, "Deployment has minimum availability.")
	} else {
		c.set(appsv1.DeploymentAvailable, corev1.ConditionFalse, reasonUnavailable, "Deployment does not have minimum availability.")
	}
}

// replicaFailure passes on what keeps a ReplicaSet from its pods, the new one's first.
func (r *rollout) replicaFailure(c *conditions) {
	members := r.all()
	if r.current != nil {
		members = append([]*member{r.current}, members...)
	}
	for _, m := range members {
		for _, failure := range m.Status.Conditions {
			if failure.Type == appsv1.ReplicaSetReplicaFailure {
				c.put(appsv1.DeploymentCondition{
					Type:               appsv1.DeploymentReplicaFailure,
					Status:             failure.Status,
					LastUpdateTime:     failure.LastTransitionTime,
					LastTransitionTime: failure.LastTransitionTime,
					Reason:             failure.Reason,
					Message:            failure.Message,
				})
				return
			}
		}
	}
	c.remove(appsv1.DeploymentReplicaFailure)
}
