package endpointslice

import (
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The reasons of events, as Kubernetes has them.
const reasonFailed = "FailedToUpdateEndpointSlices"

// failed says that a slice of a Service could not be written.
func failed(service *ocorev1.Service) func(client.Object, error) plan.Event {
	return func(_ client.Object, err error) plan.Event {
		return plan.Event{
			Regarding: service,
			Type:      plan.Warning,
			Reason:    reasonFailed,
			Message:   fmt.Sprintf("Error updating Endpoint Slices for Service %s/%s: %v", service.Namespace, service.Name, err),
		}
	}
}
