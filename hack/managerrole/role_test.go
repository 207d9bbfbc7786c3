package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
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

func TestJoinSaysEachRuleOnceAndPassesOverWhatIsNotThere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "controllers.yaml")
	rule := "{kind: ClusterRole, rules: [{apiGroups: [apps], resources: [replicasets], verbs: [get]}]}"
	if err := os.WriteFile(file, []byte(rule), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := join([]string{file, filepath.Join(t.TempDir(), "absent.yaml"), file})
	if err != nil {
		t.Fatal(err)
	}
	var role rbacv1.ClusterRole
	if err := yaml.UnmarshalStrict(out, &role); err != nil {
		t.Fatal(err)
	}
	if len(role.Rules) != 1 || role.Rules[0].APIGroups[0] != "apps.orrery.dev" {
		t.Errorf("got the rules %v, want one for apps.orrery.dev", role.Rules)
	}
}
