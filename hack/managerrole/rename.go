package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/orrery-dev/orrery/apis"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// rename returns the rule in the Orrery naming: one rule for each group that its resources
// are in there, in the order of the groups.
func rename(rule rbacv1.PolicyRule) []rbacv1.PolicyRule {
	if len(rule.NonResourceURLs) > 0 {
		return []rbacv1.PolicyRule{rule}
	}
	resources := map[string][]string{}
	for _, group := range rule.APIGroups {
		for _, resource := range rule.Resources {
			name, _, _ := strings.Cut(resource, "/")
			to := apis.Orrery.GroupResource(schema.GroupResource{Group: group, Resource: name}).Group
			if !slices.Contains(resources[to], resource) {
				resources[to] = append(resources[to], resource)
			}
		}
	}
	var rules []rbacv1.PolicyRule
	for _, group := range slices.Sorted(maps.Keys(resources)) {
		renamed := rule.DeepCopy()
		renamed.APIGroups, renamed.Resources = []string{group}, resources[group]
		rules = append(rules, *renamed)
	}
	return rules
}

func withoutRepeats(rules []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	kept := rules[:0]
	for _, rule := range rules {
		same := func(other rbacv1.PolicyRule) bool { return equality.Semantic.DeepEqual(rule, other) }
		if !slices.ContainsFunc(kept, same) {
			kept = append(kept, rule)
		}
	}
	return kept
}
