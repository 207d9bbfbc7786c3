package servicecidr

import (
	"time"

	"github.com/orrery-dev/orrery/framework/conditions"
	"github.com/orrery-dev/orrery/framework/plan"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var (
	ready = metav1.Condition{
		Type: networkingv1.ServiceCIDRConditionReady, Status: metav1.ConditionTrue, Message: "Kubernetes Service CIDR is ready",
	}
	terminating = metav1.Condition{
		Type: networkingv1.ServiceCIDRConditionReady, Status: metav1.ConditionFalse, Reason: networkingv1.ServiceCIDRReasonTerminating,
		Message: "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR",
	}
)

// report plans to say whether a ServiceCIDR is ready.
func report(p *plan.Plan, cidr *networkingv1.ServiceCIDR, condition metav1.Condition, now time.Time) {
	said := cidr.DeepCopy()
	said.Status.Conditions = conditions.Meta.Set(said.Status.Conditions, condition, now)
	step := p.Status(cidr, said)
	if condition.Status == metav1.ConditionTrue {
		step.Failed(notReady)
	}
}
