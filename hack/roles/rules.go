package main

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/orrery-dev/orrery/apis"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// renamed returns the rules in the Orrery naming.
func renamed(rules []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	var all []rbacv1.PolicyRule
	for _, rule := range rules {
		all = append(all, rename(rule)...)
	}
	return all
}

// rename returns a rule in the Orrery naming: one rule for each group that its resources are in there.
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

// subject is what verbs are allowed on. Names and URLs are joined by spaces, so that it can be compared.
type subject struct{ group, resource, names, urls string }

// subjectsOf are those of a rule.
func subjectsOf(rule rbacv1.PolicyRule) []subject {
	if len(rule.NonResourceURLs) > 0 {
		return []subject{{urls: strings.Join(rule.NonResourceURLs, " ")}}
	}
	var all []subject
	for _, group := range rule.APIGroups {
		for _, resource := range rule.Resources {
			all = append(all, subject{group: group, resource: resource, names: strings.Join(rule.ResourceNames, " ")})
		}
	}
	return all
}

// merge says the same in the form that is the easiest to read: all verbs of a resource stand in one rule, which it shares with those
// resources of its group that have the same.
func merge(rules []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	verbs := map[subject][]string{}
	for _, rule := range rules {
		for _, of := range subjectsOf(rule) {
			verbs[of] = append(verbs[of], rule.Verbs...)
		}
	}
	type shared struct {
		subject // without its resource
		verbs   string
	}
	resources := map[shared][]string{}
	for of, all := range verbs {
		slices.Sort(all)
		resource := of.resource
		of.resource = ""
		same := shared{of, strings.Join(slices.Compact(all), " ")}
		resources[same] = append(resources[same], resource)
	}
	var merged []rbacv1.PolicyRule
	for of, names := range resources {
		rule := rbacv1.PolicyRule{Verbs: strings.Fields(of.verbs)}
		if of.urls != "" {
			rule.NonResourceURLs = strings.Fields(of.urls)
		} else {
			slices.Sort(names)
			rule.APIGroups, rule.Resources, rule.ResourceNames = []string{of.group}, names, strings.Fields(of.names)
		}
		merged = append(merged, rule)
	}
	slices.SortFunc(merged, func(a, b rbacv1.PolicyRule) int {
		return cmp.Or(slices.Compare(a.APIGroups, b.APIGroups), slices.Compare(a.Resources, b.Resources),
			slices.Compare(a.ResourceNames, b.ResourceNames), slices.Compare(a.NonResourceURLs, b.NonResourceURLs))
	})
	return merged
}
