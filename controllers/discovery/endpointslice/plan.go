package endpointslice

import (
	"fmt"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const reasonFailed = "FailedToUpdateEndpointSlices"

// Plan brings a Service's slices in line with its pods, in as few writes as it can.
func (Controller) Plan(service *ocorev1.Service, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	if !managed(service) {
		return p
	}
	l := newLayout(service, &w)
	for _, f := range families(service) {
		l.layOut(f)
	}
	why := fmt.Sprintf("%d pods selected", len(w.pods))
	if service.DeletionTimestamp == nil { // or the garbage collector would have to come back for them
		plan.CreateAll(p, why, l.created()).OwnedBy(service).Failed(failed(service))
	}
	for _, d := range l.kept() {
		p.Patch(why, d.observed, d.wanted).Failed(failed(service))
	}
	plan.DeleteAll(p, why, l.obsolete()).Failed(failed(service))
	return p
}

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
