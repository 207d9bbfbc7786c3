package validatingadmissionpolicystatus

import (
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
)

// Plan tells of the mistakes in a policy.
func (Controller) Plan(policy *admissionregistrationv1.ValidatingAdmissionPolicy, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	if !w.checked {
		return p
	}
	told := policy.DeepCopy()
	told.Status.ObservedGeneration = policy.Generation
	told.Status.TypeChecking = &admissionregistrationv1.TypeChecking{ExpressionWarnings: w.warnings}
	p.Status(policy, told)
	return p
}
