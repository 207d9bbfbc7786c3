package deployment

import (
	"time"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	"github.com/orrery-dev/orrery/controllers/internal/conditionsof"
	"github.com/orrery-dev/orrery/framework/plan"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// report is a rollout, and what this pass does about it: all that a status speaks of.
type report struct {
	*rollout
	steps []step
	// rolling says that the pass is for a rollout, so that its progress counts; scaling is not.
	rolling bool
}

// plan takes the steps, records the revision, reports, and looks again when the progress deadline passes.
func (r report) plan() *plan.Plan {
	p := plan.New()
	for _, s := range r.steps {
		s.add(p, r.d)
	}
	if r.newRS != nil && r.d.DeletionTimestamp == nil {
		recordsRevision(p, r.d, after(r.steps, r.newRS))
	}
	p.StatusAfter(r.d, func(failed error) client.Object {
		reported := r.d.DeepCopy()
		reported.Status = r.status(failed)
		return reported
	})
	if left, ok := r.untilDeadline(r.status(nil)); ok {
		// The deadline has passed only after it, and conditions have whole seconds.
		p.After(left+time.Second, "the progress deadline passes")
	}
	return p
}

// status is what the Deployment says. failed is why a step could not be taken; nil means that all were. A pass that makes the
// new ReplicaSet does nothing else.
func (r report) status(failed error) appsv1.DeploymentStatus {
	s := r.counts()
	conditions := conditions{list: r.d.Status.Conditions, now: r.now}
	if r.d.DeletionTimestamp == nil {
		r.pausing(&conditions)
		r.beginning(&conditions, failed)
	}
	r.availability(&conditions, s)
	if r.rolling && (created(r.steps) == nil || failed == nil) {
		r.progress(&conditions, s)
		r.replicaFailure(&conditions)
	}
	s.Conditions = conditions.list
	return s
}

// counts adds up what the ReplicaSets report.
func (r report) counts() appsv1.DeploymentStatus {
	sets := r.allRSs()
	s := appsv1.DeploymentStatus{
		ObservedGeneration:  r.d.Generation,
		Replicas:            sum(sets, func(rs *oappsv1.ReplicaSet) int32 { return rs.Status.Replicas }),
		ReadyReplicas:       sum(sets, func(rs *oappsv1.ReplicaSet) int32 { return rs.Status.ReadyReplicas }),
		AvailableReplicas:   sum(sets, func(rs *oappsv1.ReplicaSet) int32 { return rs.Status.AvailableReplicas }),
		TerminatingReplicas: terminating(sets),
		CollisionCount:      r.collisions(),
	}
	if r.newRS != nil {
		s.UpdatedReplicas = r.newRS.Status.Replicas
	}
	s.UnavailableReplicas = max(0, r.asked()-s.AvailableReplicas)
	return s
}

// asked is how many pods all ReplicaSets are asked for after the steps.
func (r report) asked() int32 {
	asked := sum(r.allRSs(), func(rs *oappsv1.ReplicaSet) int32 { return size(after(r.steps, rs)) })
	if made := created(r.steps); made != nil {
		asked += size(made)
	}
	return asked
}

func (r report) collisions() *int32 {
	if !collided(r.steps) {
		return r.d.Status.CollisionCount
	}
	return ptr.To(ptr.Deref(r.d.Status.CollisionCount, 0) + 1)
}

// terminating is nil where a ReplicaSet that has been worked on does not report its terminating pods.
func terminating(sets []*oappsv1.ReplicaSet) *int32 {
	total := int32(0)
	for _, rs := range sets {
		if n := rs.Status.TerminatingReplicas; n != nil {
			total += *n
		} else if rs.Status.ObservedGeneration != 0 {
			return nil
		}
	}
	return &total
}

// availability says whether enough pods are available, whatever their template.
func (r report) availability(c *conditions, s appsv1.DeploymentStatus) {
	if s.AvailableReplicas >= minAvailable(r.d) {
		c.set(appsv1.DeploymentAvailable, corev1.ConditionTrue, reasonAvailable, "Deployment has minimum availability.")
	} else {
		c.set(appsv1.DeploymentAvailable, corev1.ConditionFalse, reasonUnavailable, "Deployment does not have minimum availability.")
	}
}

// replicaFailure passes on what keeps a ReplicaSet from its pods, the new one's first.
func (r report) replicaFailure(c *conditions) {
	sets := r.allRSs()
	if r.newRS != nil {
		sets = append([]*oappsv1.ReplicaSet{r.newRS}, sets...)
	}
	for _, rs := range sets {
		if failure, fails := conditionsof.ReplicaSet.Find(rs.Status.Conditions, appsv1.ReplicaSetReplicaFailure); fails {
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
	c.remove(appsv1.DeploymentReplicaFailure)
}
