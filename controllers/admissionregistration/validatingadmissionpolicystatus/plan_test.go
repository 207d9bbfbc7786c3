package validatingadmissionpolicystatus

import (
	"errors"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/cel/openapi/resolver"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kubernetes/pkg/generated/openapi"

	"github.com/orrery-dev/orrery/framework/loop"
)

// builtIn are the kinds of Kubernetes that policies here are about.
func builtIn() kinds {
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(appsv1.SchemeGroupVersion.WithKind("Deployment"), meta.RESTScopeNamespace)
	mapper.Add(corev1.SchemeGroupVersion.WithKind("ConfigMap"), meta.RESTScopeNamespace)
	return kinds{RESTMapper: mapper, schemas: resolver.NewDefinitionsSchemaResolver(openapi.GetOpenAPIDefinitions, scheme.Scheme)}
}

func byBuiltIn(p *admissionregistrationv1.ValidatingAdmissionPolicy) ([]admissionregistrationv1.ExpressionWarning, error) {
	return check(p, builtIn())
}

// policy is one about Deployments, in its first generation, with validations.
func policy(validations ...admissionregistrationv1.Validation) *admissionregistrationv1.ValidatingAdmissionPolicy {
	return &admissionregistrationv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "p", Generation: 1},
		Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
			Validations:      validations,
			MatchConstraints: about("apps", "v1", "deployments"),
		},
	}
}

func about(group, version, resource string) *admissionregistrationv1.MatchResources {
	return &admissionregistrationv1.MatchResources{ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{
		RuleWithOperations: admissionregistrationv1.RuleWithOperations{Rule: admissionregistrationv1.Rule{
			APIGroups: []string{group}, APIVersions: []string{version}, Resources: []string{resource},
		}},
	}}}
}

func expression(text string) admissionregistrationv1.Validation {
	return admissionregistrationv1.Validation{Expression: text}
}

func TestExpressionsAreCheckedByTheSchemasOfTheirKinds(t *testing.T) {
	withParams := func(p *admissionregistrationv1.ValidatingAdmissionPolicy) *admissionregistrationv1.ValidatingAdmissionPolicy {
		p.Spec.ParamKind = &admissionregistrationv1.ParamKind{APIVersion: "v1", Kind: "ConfigMap"}
		return p
	}
	onAll := policy(expression("object.spec.nonsense > 1"))
	onAll.Spec.MatchConstraints = about("*", "*", "*")
	onUnknown := policy(expression("object.spec.nonsense > 1"))
	onUnknown.Spec.MatchConstraints = about("example.com", "v1", "planets")
	observed := policy(expression("object.spec.nonsense > 1"))
	observed.Status.ObservedGeneration = 1
	leaving := policy(expression("object.spec.nonsense > 1"))
	leaving.DeletionTimestamp = &metav1.Time{}
	for _, test := range []struct {
		name   string
		policy *admissionregistrationv1.ValidatingAdmissionPolicy
		want   []string // parts of the plan; none if there is nothing to do
	}{
		{"one that is right has no warnings", policy(expression("object.spec.replicas < 100")), []string{`"observedGeneration":1`, `"typeChecking":{}`}},
		{"a field that the kind lacks", policy(expression("object.spec.nonsense > 1")), []string{`spec.validations[0].expression`, `undefined field 'nonsense'`, "apps/v1, Kind=Deployment"}},
		{"a type that does not fit", policy(expression("true"), expression("object.spec.replicas > 'many'")), []string{`spec.validations[1].expression`, `no matching overload`}},
		{"a message", policy(admissionregistrationv1.Validation{Expression: "true", MessageExpression: "'has ' + object.nonsense"}), []string{`spec.validations[0].messageExpression`, `undefined field 'nonsense'`}},
		{"parameters", withParams(policy(expression("params.data.most == '1' && params.nonsense"))), []string{`undefined field 'nonsense'`}},
		{"a rule for everything is not checked", onAll, []string{`"typeChecking":{}`}},
		{"a kind that there is not is not checked", onUnknown, []string{`"typeChecking":{}`}},
		{"what was told of this generation stays", observed, nil},
		{"one that is being deleted is left alone", leaving, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := Controller{check: byBuiltIn}
			w, err := c.Observe(t.Context(), loop.View{}, test.policy)
			if err != nil {
				t.Fatal(err)
			}
			p := c.Plan(test.policy, w, time.Time{})
			if p.Empty() != (test.want == nil) {
				t.Errorf("the plan is %s, want one: %t", p, test.want != nil)
			}
			for _, part := range test.want {
				if !strings.Contains(p.String(), part) {
					t.Errorf("the plan is %s, want %s in it", p, part)
				}
			}
		})
	}
}

// silent is an API server whose schemas cannot be read.
type silent struct{}

func (silent) ResolveSchema(schema.GroupVersionKind) (*spec.Schema, error) {
	return nil, errors.New("no answer")
}

func TestASchemaThatCannotBeReadIsNoReasonToSayThatAllIsWell(t *testing.T) {
	c := Controller{check: func(p *admissionregistrationv1.ValidatingAdmissionPolicy) ([]admissionregistrationv1.ExpressionWarning, error) {
		return check(p, kinds{RESTMapper: builtIn().RESTMapper, schemas: silent{}})
	}}
	if _, err := c.Observe(t.Context(), loop.View{}, policy(expression("true"))); err == nil || !strings.Contains(err.Error(), "no answer") {
		t.Errorf("got %v, want the error", err)
	}
}
