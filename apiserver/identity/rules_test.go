package identity

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	rbacv1 "k8s.io/api/rbac/v1"
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
	policy, err := policyFrom(files)
	if err != nil {
		t.Fatal(err)
	}
	if len(policy.ClusterRoles) != 1 || policy.ClusterRoles[0].Name != "orrery:scheduler" {
		t.Fatalf("got roles %v, want orrery:scheduler", policy.ClusterRoles)
	}
	if got, want := policy.ClusterRoles[0].Rules[0].APIGroups, []string{"", "apps", "example.org"}; !slices.Equal(got, want) {
		t.Errorf("groups are %q, want %q", got, want)
	}
	binding := policy.ClusterRoleBindings[len(policy.ClusterRoleBindings)-1]
	if binding.Name != "orrery:scheduler" || binding.RoleRef.Name != "orrery:scheduler" || binding.Subjects[0].Name != "orrery:scheduler" {
		t.Errorf("it is bound by %v", binding)
	}
}

func TestAGeneratedRoleOfNobodyIsAnError(t *testing.T) {
	for name, content := range map[string]string{
		"components/stargazer.yaml": "kind: ClusterRole\n",
		"components/scheduler.yaml": "kind: Role\n",
	} {
		_, err := policyFrom(fstest.MapFS{name: {Data: []byte(content)}})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want an error that names %s", err, name)
		}
	}
}

func TestARoleForOneNamespaceIsBoundThereAlone(t *testing.T) {
	policy, err := policyFrom(fstest.MapFS{"components/simulated-nodes.yaml": {Data: []byte(`---
kind: ClusterRole
rules:
- {apiGroups: [""], resources: [nodes], verbs: [create]}
---
kind: Role
metadata: {namespace: kube-node-lease}
rules:
- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [update]}
`)}})
	if err != nil {
		t.Fatal(err)
	}
	if len(policy.ClusterRoles) != 1 || len(policy.Roles) != 1 || len(policy.RoleBindings) != 1 {
		t.Fatalf("got %d ClusterRoles, %d Roles and %d RoleBindings, want one of each", len(policy.ClusterRoles), len(policy.Roles), len(policy.RoleBindings))
	}
	role, binding := policy.Roles[0], policy.RoleBindings[0]
	if role.Namespace != "kube-node-lease" || role.Rules[0].Resources[0] != "leases" {
		t.Errorf("the Role is %v", role)
	}
	if binding.Namespace != role.Namespace || binding.RoleRef.Kind != "Role" || binding.RoleRef.Name != role.Name || binding.Subjects[0].Name != SimulatedNodes.User {
		t.Errorf("it is bound by %v", binding)
	}
}

func TestEveryComponentHasGeneratedRoles(t *testing.T) {
	policy, err := DefaultPolicy()
	if err != nil {
		t.Fatal(err)
	}
	for _, component := range generated {
		if !slices.ContainsFunc(policy.ClusterRoles, func(role rbacv1.ClusterRole) bool { return role.Name == component.User && len(role.Rules) > 0 }) {
			t.Errorf("%s has no generated role: run `make manifests`", component.User)
		}
	}
}

func TestBindingsHaveNamesOfTheirOwn(t *testing.T) {
	policy, err := DefaultPolicy()
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
