package servicecidr

import (
	"github.com/orrery-dev/orrery/framework/plan"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// notReady is the event that it could not be said that a ServiceCIDR is ready.
func notReady(cidr client.Object, _ error) plan.Event {
	return plan.Event{
		Regarding: cidr, Type: plan.Warning, Reason: "KubernetesServiceCIDRError",
		Message: "The ServiceCIDR Status can not be set to Ready=True",
	}
}
