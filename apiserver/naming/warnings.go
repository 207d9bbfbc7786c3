package naming

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/kubernetes/pkg/apis/admissionregistration"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/rbac"

	"github.com/orrery-dev/orrery/apis"
)

// warnOfNames warns of rules that name a second name: requests are judged by the first, and such a rule would never be asked.
func warnOfNames(ctx context.Context, object runtime.Object) {
	for _, group := range groupsNamed(object) {
		warning.AddWarning(ctx, "", fmt.Sprintf("requests for %s are judged as requests for %s, and what a rule says of the former says nothing: name the latter", group, firstName(group)))
	}
}

func firstName(group string) string {
	if first := apis.Kubernetes.Group(group); first != "" {
		return first
	}
	return `the core group, ""`
}

// groupsNamed are the second names of groups that the rules of an object are about.
func groupsNamed(object runtime.Object) []string {
	var found []string
	for _, groups := range groupsOfRules(object) {
		for _, group := range groups {
			// Who names both, or all, is asked.
			if isSecond(group) && !slices.Contains(groups, apis.Kubernetes.Group(group)) && !slices.Contains(groups, "*") {
				found = append(found, group)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// groupsOfRules are the groups that each rule of an object names.
func groupsOfRules(object runtime.Object) (groups [][]string) {
	switch object := object.(type) {
	case *admissionregistration.ValidatingWebhookConfiguration:
		for i := range object.Webhooks {
			groups = append(groups, ofRules(object.Webhooks[i].Rules)...)
		}
	case *admissionregistration.MutatingWebhookConfiguration:
		for i := range object.Webhooks {
			groups = append(groups, ofRules(object.Webhooks[i].Rules)...)
		}
	case *admissionregistration.ValidatingAdmissionPolicy:
		groups = ofMatch(object.Spec.MatchConstraints)
	case *admissionregistration.ValidatingAdmissionPolicyBinding:
		groups = ofMatch(object.Spec.MatchResources)
	case *admissionregistration.MutatingAdmissionPolicy:
		groups = ofMatch(object.Spec.MatchConstraints)
	case *admissionregistration.MutatingAdmissionPolicyBinding:
		groups = ofMatch(object.Spec.MatchResources)
	case *rbac.Role:
		groups = ofRights(object.Rules)
	case *rbac.ClusterRole:
		groups = ofRights(object.Rules)
	case *core.ResourceQuota:
		for counted := range object.Spec.Hard {
			_, group, _ := strings.Cut(strings.TrimPrefix(string(counted), "count/"), ".")
			groups = append(groups, []string{group})
		}
	}
	return groups
}

func ofRules(rules []admissionregistration.RuleWithOperations) (groups [][]string) {
	for i := range rules {
		groups = append(groups, rules[i].APIGroups)
	}
	return groups
}

func ofMatch(match *admissionregistration.MatchResources) (groups [][]string) {
	if match == nil {
		return nil
	}
	for _, rules := range [][]admissionregistration.NamedRuleWithOperations{match.ResourceRules, match.ExcludeResourceRules} {
		for i := range rules {
			groups = append(groups, rules[i].RuleWithOperations.APIGroups)
		}
	}
	return groups
}

func ofRights(rules []rbac.PolicyRule) (groups [][]string) {
	for i := range rules {
		groups = append(groups, rules[i].APIGroups)
	}
	return groups
}
