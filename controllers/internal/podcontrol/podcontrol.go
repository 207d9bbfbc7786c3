package podcontrol

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The reasons of events, as Kubernetes has them. Conditions that speak of the same have them too.
const (
	ReasonSuccessfulCreate = "SuccessfulCreate"
	ReasonFailedCreate     = "FailedCreate"
	ReasonSuccessfulDelete = "SuccessfulDelete"
	ReasonFailedDelete     = "FailedDelete"
)

// Create plans to create pods that owner controls; see [plan.Create].
func Create(p *plan.Plan, why string, owner client.Object, pods []*ocorev1.Pod) *plan.Create {
	return plan.CreateAll(p, why, pods).
		OwnedBy(owner).
		Succeeded(succeeded(owner, ReasonSuccessfulCreate, "Created pod: ")).
		Failed(failed(owner, ReasonFailedCreate, "Error creating: "))
}

// Delete plans to delete pods of owner; see [plan.Delete].
func Delete(p *plan.Plan, why string, owner client.Object, pods []*ocorev1.Pod) *plan.Delete {
	return plan.DeleteAll(p, why, pods).
		Succeeded(succeeded(owner, ReasonSuccessfulDelete, "Deleted pod: ")).
		Failed(failed(owner, ReasonFailedDelete, "Error deleting: "))
}

func succeeded(owner client.Object, reason, said string) func(client.Object) plan.Event {
	return func(pod client.Object) plan.Event {
		return plan.Event{Regarding: owner, Type: plan.Normal, Reason: reason, Message: said + pod.GetName()}
	}
}

func failed(owner client.Object, reason, said string) func(client.Object, error) plan.Event {
	return func(_ client.Object, err error) plan.Event {
		return plan.Event{Regarding: owner, Type: plan.Warning, Reason: reason, Message: said + err.Error()}
	}
}
