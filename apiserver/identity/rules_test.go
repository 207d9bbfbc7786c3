package identity

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestAGeneratedRoleBelongsToTheComponentItIsNamedAfter(t *testing.T) {
	files := fstest.MapFS{"components/scheduler.yaml": {Data: []byte(`
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: whatever
rules:
- apiGroups: ["", "apps", "example.org"]
  resources: ["pods"]
  verbs: ["get"]
`)}}
	for _, test := range []struct {
		name     string
		twoNames bool
		want     []string
	}{
		{"with one name its groups are as written", false, []string{"", "apps", "example.org"}},
		{"with two names both are covered", true, []string{"", "apps", "example.org", "core.orrery.dev", "apps.orrery.dev"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			policy, err := policyFrom(files, test.twoNames)
			if err != nil {
				t.Fatal(err)
			}
			if len(policy.ClusterRoles) != 1 || policy.ClusterRoles[0].Name != "orrery:scheduler" {
				t.Fatalf("got roles %v, want orrery:scheduler", policy.ClusterRoles)
			}
			if got := policy.ClusterRoles[0].Rules[0].APIGroups; !slices.Equal(got, test.want) {
				t.Errorf("groups are %q, want %q", got, test.want)
			}
			binding := policy.ClusterRoleBindings[len(policy.ClusterRoleBindings)-1]
			if binding.Name != "orrery:scheduler" || binding.RoleRef.Name != "orrery:scheduler" || binding.Subjects[0].Name != "orrery:scheduler" {
				t.Errorf("it is bound by %v", binding)
			}
		})
	}
}

func TestAGeneratedRoleOfNobodyIsAnError(t *testing.T) {
	for name, content := range map[string]string{
		"components/stargazer.yaml": "kind: ClusterRole\n",
		"components/scheduler.yaml": "kind: Role\n",
	} {
		_, err := policyFrom(fstest.MapFS{name: {Data: []byte(content)}}, false)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want an error that names %s", err, name)
		}
	}
}

func TestBindingsHaveNamesOfTheirOwn(t *testing.T) {
	policy, err := DefaultPolicy(true)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, binding := range policy.ClusterRoleBindings {
		if seen[binding.Name] {
			t.Errorf("there are two bindings called %s", binding.Name)
		}
		seen[binding.Name] = true
	}
}
