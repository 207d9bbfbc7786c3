package deployment

import (
	"fmt"
	"time"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// pausing says that the rollout was paused or resumed, and so takes the time that it stood still off the deadline. A
// rollout that had failed before stays so.
func (r report) pausing(c *conditions) {
	if _, limited := progressDeadline(r.d); !limited {
		return
	}
	progressing := c.find(appsv1.DeploymentProgressing)
	paused := progressing != nil && progressing.Reason == reasonPaused
	switch {
	case progressing != nil && progressing.Reason == reasonDeadlineExceeded:
	case r.d.Spec.Paused && !paused:
		c.set(appsv1.DeploymentProgressing, corev1.ConditionUnknown, reasonPaused, "Deployment is paused")
	case !r.d.Spec.Paused && paused:
		c.set(appsv1.DeploymentProgressing, corev1.ConditionUnknown, reasonResumed, "Deployment is resumed")
	}
}

// beginning says where the new ReplicaSet came from.
func (r report) beginning(c *conditions, failed error) {
	if _, limited := progressDeadline(r.d); !limited {
		return
	}
	made := created(r.steps)
	switch {
	case made != nil && failed == nil:
		c.set(appsv1.DeploymentProgressing, corev1.ConditionTrue, reasonNewReplicaSet,
			fmt.Sprintf("Created new replica set %q", made.Name))
	case made != nil && !plan.NamespaceTerminating(failed):
		c.set(appsv1.DeploymentProgressing, corev1.ConditionFalse, reasonReplicaSetCreateError,
			createError(made.Name, plan.Cause(failed)))
	case r.newRS != nil && c.find(appsv1.DeploymentProgressing) == nil:
		c.set(appsv1.DeploymentProgressing, corev1.ConditionTrue, reasonFoundReplicaSet,
			fmt.Sprintf("Found new replica set %q", r.newRS.Name))
	}
}

// progress says how the rollout goes. One that has been completed stays so, whatever becomes of its pods later.
func (r report) progress(c *conditions, s appsv1.DeploymentStatus) {
	if _, limited := progressDeadline(r.d); !limited {
		c.remove(appsv1.DeploymentProgressing)
		return
	}
	current := c.find(appsv1.DeploymentProgressing)
	switch {
	case s.Replicas == s.UpdatedReplicas && current != nil && current.Reason == reasonNewReplicaSetAvailable:
	case complete(r.d, s):
		c.set(appsv1.DeploymentProgressing, corev1.ConditionTrue, reasonNewReplicaSetAvailable, r.subject()+" has successfully progressed.")
	case progressed(r.d.Status, s):
		c.renew(appsv1.DeploymentProgressing, corev1.ConditionTrue, reasonReplicaSetUpdated, r.subject()+" is progressing.")
	case r.deadlinePassed(current):
		c.set(appsv1.DeploymentProgressing, corev1.ConditionFalse, reasonDeadlineExceeded, r.subject()+" has timed out progressing.")
	}
}

// subject is what progresses.
func (r report) subject() string {
	switch {
	case r.newRS != nil:
		return fmt.Sprintf("ReplicaSet %q", r.newRS.Name)
	case created(r.steps) != nil:
		return fmt.Sprintf("ReplicaSet %q", created(r.steps).Name)
	default:
		return fmt.Sprintf("Deployment %q", r.d.Name)
	}
}

// complete reports that all desired pods have the new template and are available, and no others are left.
func complete(d *oappsv1.Deployment, s appsv1.DeploymentStatus) bool {
	want := desired(d)
	return s.UpdatedReplicas == want && s.Replicas == want && s.AvailableReplicas == want && s.ObservedGeneration >= d.Generation
}

// progressed reports that there are more new pods than before, or fewer old ones, or more that are ready or available.
func progressed(before, now appsv1.DeploymentStatus) bool {
	return now.UpdatedReplicas > before.UpdatedReplicas ||
		now.Replicas-now.UpdatedReplicas < before.Replicas-before.UpdatedReplicas ||
		now.ReadyReplicas > before.ReadyReplicas ||
		now.AvailableReplicas > before.AvailableReplicas
}

// deadlinePassed reports that nothing has progressed for too long. Before the first progress, and after the last,
// nothing can be late.
func (r report) deadlinePassed(progressing *appsv1.DeploymentCondition) bool {
	deadline, limited := progressDeadline(r.d)
	switch {
	case !limited || progressing == nil || progressing.Reason == reasonNewReplicaSetAvailable:
		return false
	case progressing.Reason == reasonDeadlineExceeded:
		return true
	default:
		return progressing.LastUpdateTime.Add(deadline).Before(r.now)
	}
}

// untilDeadline is how long the rollout may still stand where it is; false means that no deadline runs.
func (r report) untilDeadline(s appsv1.DeploymentStatus) (time.Duration, bool) {
	deadline, limited := progressDeadline(r.d)
	c := conditions{list: s.Conditions}
	progressing := c.find(appsv1.DeploymentProgressing)
	if !r.rolling || !limited || progressing == nil || complete(r.d, s) {
		return 0, false
	}
	switch progressing.Reason {
	case reasonDeadlineExceeded, reasonNewReplicaSetAvailable:
		return 0, false
	}
	return progressing.LastUpdateTime.Add(deadline).Sub(r.now), true
}
