package validatingadmissionpolicystatus

import (
	"context"
	"fmt"

	"github.com/orrery-dev/orrery/framework/loop"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
)

// world are the mistakes in a policy.
type world struct {
	warnings []admissionregistrationv1.ExpressionWarning
	// checked says that they are those of this generation of the policy.
	checked bool
}

// Observe checks the expressions of a policy, unless its status is about this generation.
func (c Controller) Observe(_ context.Context, _ loop.View, policy *admissionregistrationv1.ValidatingAdmissionPolicy) (world, error) {
	if policy.DeletionTimestamp != nil || policy.Generation <= policy.Status.ObservedGeneration {
		return world{}, nil
	}
	warnings, err := c.check(policy)
	if err != nil {
		return world{}, fmt.Errorf("reading the kinds that ValidatingAdmissionPolicy %s is about: %w", policy.Name, err)
	}
	return world{warnings: warnings, checked: true}, nil
}

// check finds the mistakes in a policy by the kinds that it is about.
func check(policy *admissionregistrationv1.ValidatingAdmissionPolicy, known kinds) ([]admissionregistrationv1.ExpressionWarning, error) {
	checker := validating.TypeChecker{SchemaResolver: &known, RestMapper: &known}
	warnings := checker.Check(policy)
	return warnings, known.failed()
}
