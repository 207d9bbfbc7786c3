package deployment

import (
	"fmt"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The reasons of events, as Kubernetes has them.
const (
	reasonScalingReplicaSet     = "ScalingReplicaSet"
	reasonReplicaSetCreateError = "ReplicaSetCreateError"
	reasonSelectingAll          = "SelectingAll"
	reasonRollback              = "DeploymentRollback"
	reasonRevisionNotFound      = "DeploymentRollbackRevisionNotFound"
	reasonTemplateUnchanged     = "DeploymentRollbackTemplateUnchanged"
)

// scaledReplicaSet is the message for a ReplicaSet that was scaled.
func scaledReplicaSet(name string, from, to int32) string {
	direction := "up"
	if to < from {
		direction = "down"
	}
	return fmt.Sprintf("Scaled %s replica set %s from %d to %d", direction, name, from, to)
}

// scaledFromNothing speaks of a new ReplicaSet, if it has pods.
func scaledFromNothing(d *oappsv1.Deployment) func(client.Object) plan.Event {
	return func(created client.Object) plan.Event {
		n := size(created.(*oappsv1.ReplicaSet))
		if n == 0 {
			return plan.Event{}
		}
		return plan.Event{Regarding: d, Type: plan.Normal, Reason: reasonScalingReplicaSet, Message: scaledReplicaSet(created.GetName(), 0, n)}
	}
}

func notCreated(d *oappsv1.Deployment) func(client.Object, error) plan.Event {
	return func(obj client.Object, err error) plan.Event {
		return plan.Event{Regarding: d, Type: plan.Warning, Reason: reasonReplicaSetCreateError, Message: createError(obj.GetName(), err)}
	}
}

// createError says that a new ReplicaSet could not be created, in an event and in a condition.
func createError(name string, err error) string {
	return fmt.Sprintf("Failed to create new replica set %q: %v", name, err)
}
