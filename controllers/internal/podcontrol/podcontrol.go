package podcontrol

import (
	"slices"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/framework/plan"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The reasons of events, as Kubernetes has them. Conditions that speak of the same have them too.
const (
	ReasonSuccessfulCreate = "SuccessfulCreate"
	ReasonFailedCreate     = "FailedCreate"
	ReasonSuccessfulDelete = "SuccessfulDelete"
	ReasonFailedDelete     = "FailedDelete"
)

// Create plans to create pods that owner controls and selects; see [plan.Create]. Pods that the selector leaves out are not made: the
// owner would let them go, and make others in their place, without end.
func Create(p *plan.Plan, why string, owner client.Object, selector *metav1.LabelSelector, pods []*ocorev1.Pod) {
	if slices.ContainsFunc(pods, func(pod *ocorev1.Pod) bool { return !ownership.Selects(selector, pod) }) {
		p.Do(&refusal{why: why, owner: owner})
		return
	}
	plan.CreateAll(p, why, pods).
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
