package endpoints

import (
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The reasons of events, as Kubernetes has them.
const (
	reasonNotCreated = "FailedToCreateEndpoint"
	reasonNotUpdated = "FailedToUpdateEndpoint"
)

func notCreated(service *ocorev1.Service) func(client.Object, error) plan.Event {
	return func(obj client.Object, err error) plan.Event {
		return failed(obj, reasonNotCreated, fmt.Sprintf("Failed to create endpoint for service %s/%s: %v", service.Namespace, service.Name, err))
	}
}

func notUpdated(obj client.Object, err error) plan.Event {
	return failed(obj, reasonNotUpdated, fmt.Sprintf("Failed to update endpoint %s/%s: %v", obj.GetNamespace(), obj.GetName(), err))
}

func failed(obj client.Object, reason, message string) plan.Event {
	return plan.Event{Regarding: obj, Type: plan.Warning, Reason: reason, Message: message}
}
