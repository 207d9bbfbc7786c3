package deployment

import (
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/conditionsof"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The reasons of conditions, as Kubernetes has them.
const (
	reasonAvailable   = "MinimumReplicasAvailable"
	reasonUnavailable = "MinimumReplicasUnavailable"

	reasonNewReplicaSet          = "NewReplicaSetCreated"
	reasonFoundReplicaSet        = "FoundNewReplicaSet"
	reasonReplicaSetUpdated      = "ReplicaSetUpdated"
	reasonNewReplicaSetAvailable = "NewReplicaSetAvailable"
	reasonDeadlineExceeded       = "ProgressDeadlineExceeded"
	reasonPaused                 = "DeploymentPaused"
	reasonResumed                = "DeploymentResumed"
)

// conditions are those of a Deployment, at a time. They never change the list that they were made from.
type conditions struct {
	list []appsv1.DeploymentCondition
	now  time.Time
}

// find is the condition of a type; nil where there is none.
func (c *conditions) find(kind appsv1.DeploymentConditionType) *appsv1.DeploymentCondition {
	found, ok := conditionsof.Deployment.Find(c.list, kind)
	if !ok {
		return nil
	}
	return &found
}

// set makes a condition so. One that has the same status and reason already stays as it is, and tells since when.
func (c *conditions) set(kind appsv1.DeploymentConditionType, status corev1.ConditionStatus, reason, message string) {
	now := metav1.NewTime(c.now)
	c.put(appsv1.DeploymentCondition{
		Type: kind, Status: status, Reason: reason, Message: message, LastUpdateTime: now, LastTransitionTime: now,
	})
}

// renew makes a condition so, and dates it now even where it was so before.
func (c *conditions) renew(kind appsv1.DeploymentConditionType, status corev1.ConditionStatus, reason, message string) {
	before := c.find(kind)
	since := metav1.NewTime(c.now)
	if before != nil && before.Status == status {
		since = before.LastTransitionTime
	}
	c.remove(kind)
	c.list = append(c.list, appsv1.DeploymentCondition{
		Type: kind, Status: status, Reason: reason, Message: message,
		LastUpdateTime: metav1.NewTime(c.now), LastTransitionTime: since,
	})
}

func (c *conditions) put(condition appsv1.DeploymentCondition) {
	if before := c.find(condition.Type); before != nil && before.Status == condition.Status {
		if before.Reason == condition.Reason {
			return
		}
		condition.LastTransitionTime = before.LastTransitionTime
	}
	c.remove(condition.Type)
	c.list = append(c.list, condition)
}

func (c *conditions) remove(kind appsv1.DeploymentConditionType) {
	c.list = conditionsof.Deployment.Remove(c.list, kind)
}
