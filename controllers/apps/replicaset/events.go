package replicaset

import (
	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The reasons of events, and of the condition ReplicaFailure, as Kubernetes has them.
const (
	reasonSuccessfulCreate = "SuccessfulCreate"
	reasonFailedCreate     = "FailedCreate"
	reasonSuccessfulDelete = "SuccessfulDelete"
	reasonFailedDelete     = "FailedDelete"
)

func created(rs *oappsv1.ReplicaSet) func(client.Object) plan.Event {
	return func(pod client.Object) plan.Event {
		return about(rs, plan.Normal, reasonSuccessfulCreate, "Created pod: "+pod.GetName())
	}
}

func notCreated(rs *oappsv1.ReplicaSet) func(client.Object, error) plan.Event {
	return func(_ client.Object, err error) plan.Event {
		return about(rs, plan.Warning, reasonFailedCreate, "Error creating: "+err.Error())
	}
}

func deleted(rs *oappsv1.ReplicaSet) func(client.Object) plan.Event {
	return func(pod client.Object) plan.Event {
		return about(rs, plan.Normal, reasonSuccessfulDelete, "Deleted pod: "+pod.GetName())
	}
}

func notDeleted(rs *oappsv1.ReplicaSet) func(client.Object, error) plan.Event {
	return func(_ client.Object, err error) plan.Event {
		return about(rs, plan.Warning, reasonFailedDelete, "Error deleting: "+err.Error())
	}
}

func about(rs *oappsv1.ReplicaSet, kind plan.EventType, reason, message string) plan.Event {
	return plan.Event{Regarding: rs, Type: kind, Reason: reason, Message: message}
}
