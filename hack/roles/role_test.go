package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	rbacv1 "k8s.io/api/rbac/v1"
)

func TestRename(t *testing.T) {
	for name, c := range map[string]struct {
		given rbacv1.PolicyRule
		want  []rbacv1.PolicyRule
	}{
		"gives a resource the group of its second name": {
			given: rbacv1.PolicyRule{APIGroups: []string{"apps"}, Resources: []string{"deployments", "deployments/status"}, Verbs: []string{"get"}},
			want:  []rbacv1.PolicyRule{{APIGroups: []string{"apps.orrery.dev"}, Resources: []string{"deployments", "deployments/status"}, Verbs: []string{"get"}}},
		},
		"parts a rule whose resources are in different groups there": {
			given: rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"pods", "secrets"}, Verbs: []string{"list"}},
			want: []rbacv1.PolicyRule{
				{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"list"}},
				{APIGroups: []string{"core.orrery.dev"}, Resources: []string{"pods"}, Verbs: []string{"list"}},
			},
		},
		"says a resource once where the marker names both groups": {
			given: rbacv1.PolicyRule{APIGroups: []string{"apps", "apps.orrery.dev"}, Resources: []string{"deployments"}, Verbs: []string{"get"}},
			want:  []rbacv1.PolicyRule{{APIGroups: []string{"apps.orrery.dev"}, Resources: []string{"deployments"}, Verbs: []string{"get"}}},
		},
		"leaves URLs as they are": {
			given: rbacv1.PolicyRule{NonResourceURLs: []string{"/metrics"}, Verbs: []string{"get"}},
			want:  []rbacv1.PolicyRule{{NonResourceURLs: []string{"/metrics"}, Verbs: []string{"get"}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, rename(c.given)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatIsAskedForOfEveryGroupIsChangedInOursAlone(t *testing.T) {
	got := ours(marked{rules: []rbacv1.PolicyRule{rule("*", "get update", "*/scale"), rule("*", "get", "*/scale"), rule("apps", "update", "deployments")}})
	scaling := rule("", "update", "*/scale")
	scaling.APIGroups = ourGroups()
	want := []rbacv1.PolicyRule{scaling, rule("*", "get", "*/scale"), rule("*", "get", "*/scale"), rule("apps", "update", "deployments")}
	if diff := cmp.Diff(want, got.rules); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMerge(t *testing.T) {
	for name, c := range map[string]struct{ given, want []rbacv1.PolicyRule }{
		"says all verbs of a resource in one rule": {
			given: []rbacv1.PolicyRule{rule("apps", "get list", "deployments"), rule("apps", "patch get", "deployments")},
			want:  []rbacv1.PolicyRule{rule("apps", "get list patch", "deployments")},
		},
		"lets resources with the same verbs share a rule": {
			given: []rbacv1.PolicyRule{rule("", "get", "services"), rule("", "get", "pods"), rule("", "patch", "pods/status")},
			want:  []rbacv1.PolicyRule{rule("", "get", "pods", "services"), rule("", "patch", "pods/status")},
		},
		"keeps groups apart": {
			given: []rbacv1.PolicyRule{rule("apps", "get", "deployments"), rule("", "get", "pods")},
			want:  []rbacv1.PolicyRule{rule("", "get", "pods"), rule("apps", "get", "deployments")},
		},
		"does not widen what is allowed for one name only": {
			given: []rbacv1.PolicyRule{
				rule("coordination.k8s.io", "create", "leases"),
				{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, ResourceNames: []string{"mine"}, Verbs: []string{"update"}},
			},
			want: []rbacv1.PolicyRule{
				rule("coordination.k8s.io", "create", "leases"),
				{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, ResourceNames: []string{"mine"}, Verbs: []string{"update"}},
			},
		},
		"leaves URLs as they are": {
			given: []rbacv1.PolicyRule{{NonResourceURLs: []string{"/metrics"}, Verbs: []string{"get"}}},
			want:  []rbacv1.PolicyRule{{NonResourceURLs: []string{"/metrics"}, Verbs: []string{"get"}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, merge(c.given), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func rule(group, verbs string, resources ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: resources, Verbs: strings.Fields(verbs)}
}
