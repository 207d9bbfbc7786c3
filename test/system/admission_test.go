package system_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/internal/await"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A policy's writer is told of a field that there is not, by the schemas that the server publishes, and again when the policy has
// changed.
func TestAPolicyIsToldOfItsMistakes(t *testing.T) {
	policy := &admissionregistrationv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "mistaken-"},
		Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
			MatchConstraints: &admissionregistrationv1.MatchResources{ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{
				RuleWithOperations: admissionregistrationv1.RuleWithOperations{
					Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
					Rule:       admissionregistrationv1.Rule{APIGroups: []string{"apps"}, APIVersions: []string{"v1"}, Resources: []string{"deployments"}},
				},
			}}},
			Validations: []admissionregistrationv1.Validation{{Expression: "object.spec.replicas < object.spec.most"}},
		},
	}
	create(t, policy)
	told := func(what string, as func([]admissionregistrationv1.ExpressionWarning) bool) {
		t.Helper()
		await.Until(t, what, func() (string, bool) {
			if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(policy), policy); err != nil {
				return err.Error(), false
			}
			status := policy.Status
			if status.ObservedGeneration != policy.Generation || status.TypeChecking == nil {
				return fmt.Sprintf("generation %d is told of, and not %d", status.ObservedGeneration, policy.Generation), false
			}
			return fmt.Sprint(status.TypeChecking.ExpressionWarnings), as(status.TypeChecking.ExpressionWarnings)
		})
	}
	told("the mistake", func(warnings []admissionregistrationv1.ExpressionWarning) bool {
		return len(warnings) == 1 && warnings[0].FieldRef == "spec.validations[0].expression" && strings.Contains(warnings[0].Warning, "undefined field 'most'")
	})
	policy.Spec.Validations[0].Expression = "object.spec.replicas < 100"
	if err := cluster.Update(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	told("that it is mended", func(warnings []admissionregistrationv1.ExpressionWarning) bool { return len(warnings) == 0 })
}
