package naming

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/kubernetes/pkg/apis/admissionregistration"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/rbac"
)

// heard are the warnings of a request.
type heard []string

func (h *heard) AddWarning(_, text string) { *h = append(*h, text) }

func TestOnlyTheServerChangesWhatADefinitionOfItsOwnSays(t *testing.T) {
	definition := func(name, webhook string) *apiextensions.CustomResourceDefinition {
		return &apiextensions.CustomResourceDefinition{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"by": webhook}},
			Spec:       apiextensions.CustomResourceDefinitionSpec{Conversion: &apiextensions.CustomResourceConversion{Strategy: apiextensions.ConversionStrategyType(webhook)}},
		}
	}
	for _, test := range []struct {
		name, definition, by string
		changed              bool
	}{
		{"somebody gives one of ours a conversion", "pods.core.orrery.dev", "mallory", false},
		{"the server does", "pods.core.orrery.dev", user.APIServerUser, true},
		{"somebody gives one of their own a conversion", "planets.example.org", "mallory", true},
		{"somebody gives one that shares our group a conversion", "unicorns.core.orrery.dev", "mallory", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			plugin, err := Guard(nil)
			if err != nil {
				t.Fatal(err)
			}
			before, after := definition(test.definition, "None"), definition(test.definition, "Webhook")
			attributes := admission.NewAttributesRecord(after, before, schema.GroupVersionKind{}, "", test.definition,
				definitions.WithVersion("v1"), "", admission.Update, &metav1.UpdateOptions{}, false, &user.DefaultInfo{Name: test.by})
			var warnings heard
			if err := plugin.(admission.MutationInterface).Admit(warning.WithWarningRecorder(t.Context(), &warnings), attributes, nil); err != nil {
				t.Fatal(err)
			}
			if changed := after.Spec.Conversion.Strategy == "Webhook"; changed != test.changed || (len(warnings) == 0) != test.changed {
				t.Errorf("changed: %t, want %t; warnings: %q", changed, test.changed, warnings)
			}
			if after.Labels["by"] != "Webhook" {
				t.Error("its metadata has not changed")
			}
		})
	}
}

func TestRulesThatNobodyWouldAskAreWarnedOf(t *testing.T) {
	rule := func(groups ...string) admissionregistration.RuleWithOperations {
		return admissionregistration.RuleWithOperations{Rule: admissionregistration.Rule{APIGroups: groups}}
	}
	named := func(groups ...string) *admissionregistration.MatchResources {
		return &admissionregistration.MatchResources{ResourceRules: []admissionregistration.NamedRuleWithOperations{{RuleWithOperations: rule(groups...)}}}
	}
	excluded := &admissionregistration.MatchResources{ExcludeResourceRules: named("apps.orrery.dev").ResourceRules}
	rights := []rbac.PolicyRule{{APIGroups: []string{"apps.orrery.dev"}}, {APIGroups: []string{"core.orrery.dev", "apps"}}}
	for _, test := range []struct {
		name   string
		object runtime.Object
		want   []string
	}{
		{"a validating webhook", &admissionregistration.ValidatingWebhookConfiguration{Webhooks: []admissionregistration.ValidatingWebhook{{Rules: []admissionregistration.RuleWithOperations{rule("apps.orrery.dev")}}}}, []string{"apps.orrery.dev"}},
		{"a mutating webhook", &admissionregistration.MutatingWebhookConfiguration{Webhooks: []admissionregistration.MutatingWebhook{{Rules: []admissionregistration.RuleWithOperations{rule("apps"), rule("core.orrery.dev")}}}}, []string{"core.orrery.dev"}},
		{"one for both names", &admissionregistration.MutatingWebhookConfiguration{Webhooks: []admissionregistration.MutatingWebhook{{Rules: []admissionregistration.RuleWithOperations{rule("apps", "apps.orrery.dev")}}}}, nil},
		{"one for everything", &admissionregistration.MutatingWebhookConfiguration{Webhooks: []admissionregistration.MutatingWebhook{{Rules: []admissionregistration.RuleWithOperations{rule("*", "apps.orrery.dev")}}}}, nil},
		{"a validating policy", &admissionregistration.ValidatingAdmissionPolicy{Spec: admissionregistration.ValidatingAdmissionPolicySpec{MatchConstraints: named("batch.orrery.dev")}}, []string{"batch.orrery.dev"}},
		{"its binding", &admissionregistration.ValidatingAdmissionPolicyBinding{Spec: admissionregistration.ValidatingAdmissionPolicyBindingSpec{MatchResources: named("batch.orrery.dev")}}, []string{"batch.orrery.dev"}},
		{"a mutating policy, by what it excludes", &admissionregistration.MutatingAdmissionPolicy{Spec: admissionregistration.MutatingAdmissionPolicySpec{MatchConstraints: excluded}}, []string{"apps.orrery.dev"}},
		{"its binding", &admissionregistration.MutatingAdmissionPolicyBinding{Spec: admissionregistration.MutatingAdmissionPolicyBindingSpec{MatchResources: named("apps.orrery.dev", "apps.orrery.dev")}}, []string{"apps.orrery.dev"}},
		{"a policy about everything", &admissionregistration.ValidatingAdmissionPolicy{}, nil},
		{"a role", &rbac.Role{Rules: rights}, []string{"apps.orrery.dev", "core.orrery.dev"}},
		{"a cluster role", &rbac.ClusterRole{Rules: rights}, []string{"apps.orrery.dev", "core.orrery.dev"}},
		{"a quota", &core.ResourceQuota{Spec: core.ResourceQuotaSpec{Hard: core.ResourceList{"count/deployments.apps.orrery.dev": {}, "count/pods": {}, "requests.cpu": {}}}}, []string{"apps.orrery.dev"}},
		{"anything else", &core.Pod{}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := groupsNamed(test.object); !slices.Equal(got, test.want) {
				t.Errorf("the groups are %v, want %v", got, test.want)
			}
		})
	}
	var warnings heard
	warnOfNames(warning.WithWarningRecorder(t.Context(), &warnings), &rbac.Role{Rules: rights})
	if len(warnings) != 2 || !strings.Contains(warnings[1], `name the latter`) || !strings.Contains(warnings[1], `the core group, ""`) {
		t.Errorf("the warnings are %q", warnings)
	}
}
