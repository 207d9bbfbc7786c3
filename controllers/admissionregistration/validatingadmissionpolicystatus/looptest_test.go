package validatingadmissionpolicystatus

import (
	"fmt"
	"testing"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// right and wrong are expressions about a Deployment.
const (
	right = "object.spec.replicas > 1"
	wrong = "object.spec.replicas > 'many'"
)

// remembering checks what it has not checked before, which takes long: there are two expressions in all of these worlds.
func remembering(t *testing.T) func(*admissionregistrationv1.ValidatingAdmissionPolicy) ([]admissionregistrationv1.ExpressionWarning, error) {
	t.Helper()
	mistakes := map[string][]admissionregistrationv1.ExpressionWarning{}
	for _, text := range []string{right, wrong} {
		found, err := byBuiltIn(policy(expression(text)))
		if err != nil {
			t.Fatal(err)
		}
		mistakes[text] = found
	}
	return func(p *admissionregistrationv1.ValidatingAdmissionPolicy) ([]admissionregistrationv1.ExpressionWarning, error) {
		return mistakes[p.Spec.Validations[0].Expression], nil
	}
}

// TestPoliciesAreToldOfTheirMistakes rewrites a policy again and again: in the end its status is about what it says then.
func TestPoliciesAreToldOfTheirMistakes(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		t.Fatal(err)
	}
	looptest.Check(t, looptest.Spec{
		Scheme: scheme,
		Loops:  []loop.Loop{loop.New(name, Controller{check: remembering(t)})},
		Start:  func(*rapid.T) []client.Object { return []client.Object{policy(expression(right))} },
		Change: func(t *rapid.T, w *looptest.World) {
			for _, p := range looptest.All[*admissionregistrationv1.ValidatingAdmissionPolicy](w) {
				looptest.Edit(w, "user", p, func(p *admissionregistrationv1.ValidatingAdmissionPolicy) {
					p.Spec.Validations[0].Expression = rapid.SampledFrom([]string{right, wrong}).Draw(t, "expression")
				})
			}
		},
		Converged: func(w *looptest.World) error {
			for _, p := range looptest.All[*admissionregistrationv1.ValidatingAdmissionPolicy](w) {
				checked := p.Status.TypeChecking
				if p.Status.ObservedGeneration != p.Generation || checked == nil {
					return fmt.Errorf("generation %d of it is observed as %d, with %v", p.Generation, p.Status.ObservedGeneration, checked)
				}
				if mistaken := p.Spec.Validations[0].Expression == wrong; mistaken != (len(checked.ExpressionWarnings) > 0) {
					return fmt.Errorf("%s is told to have %d mistakes", p.Spec.Validations[0].Expression, len(checked.ExpressionWarnings))
				}
			}
			return nil
		},
	})
}
