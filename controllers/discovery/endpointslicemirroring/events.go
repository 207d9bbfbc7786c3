package endpointslicemirroring

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
)

// The reasons of events, as Kubernetes has them.
const (
	reasonInvalidIP = "InvalidIPAddress"
	reasonTooMany   = "TooManyAddressesToMirror"
)

// tell says which addresses are not mirrored.
func tell(p *plan.Plan, endpoints *ocorev1.Endpoints, m mirroring) {
	if m.invalid > 0 {
		p.EventOnce(endpoints, plan.Warning, reasonInvalidIP, "Skipped %d invalid IP addresses when mirroring to EndpointSlices", m.invalid)
	}
	if m.tooMany > 0 {
		p.EventOnce(endpoints, plan.Warning, reasonTooMany,
			"A max of %d addresses can be mirrored to EndpointSlices per Endpoints subset. %d addresses were skipped", most, m.invalid+m.tooMany)
	}
}
