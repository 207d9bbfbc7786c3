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
	policy, err := PolicyFrom(files)
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
		_, err := PolicyFrom(fstest.MapFS{name: {Data: []byte(content)}})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want an error that names %s", err, name)
		}
	}
}

func TestARoleForOneNamespaceIsBoundThereAlone(t *testing.T) {
	policy, err := PolicyFrom(fstest.MapFS{"components/simulated-nodes.yaml": {Data: []byte(`---
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
	loops, err := Controllers()
	if err != nil {
		t.Fatal(err)
	}
	for _, component := range append(loops, components...) {
		if !slices.ContainsFunc(policy.ClusterRoles, func(role rbacv1.ClusterRole) bool { return role.Name == component.User && len(role.Rules) > 0 }) &&
			!slices.ContainsFunc(policy.Roles, func(role rbacv1.Role) bool { return role.Name == component.User && len(role.Rules) > 0 }) {
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

func TestTheRolesOfALoopAreInAFileThatIsNamedAfterIt(t *testing.T) {
	policy, err := PolicyFrom(fstest.MapFS{"controllers/comet-controller.yaml": {Data: []byte(`
kind: ClusterRole
rules:
- {apiGroups: [""], resources: [pods], verbs: [get]}
`)}})
	if err != nil {
		t.Fatal(err)
	}
	const user = "orrery:controller:comet-controller"
	binding := policy.ClusterRoleBindings[len(policy.ClusterRoleBindings)-1]
	if policy.ClusterRoles[0].Name != user || binding.Subjects[0].Name != user {
		t.Errorf("got role %s, bound to %v; want both for %s", policy.ClusterRoles[0].Name, binding.Subjects, user)
	}
}

// mighty are those who may do something that is not about a resource that can be named, with the reason.
var mighty = map[string]string{
	"orrery:controller:garbage-collector-controller":         "any kind has owners, also one that is defined tomorrow, and RBAC has no word for metadata: the same kinds and verbs as upstream's generic-garbage-collector, without update",
	"orrery:controller:namespace-controller":                 "any kind can live in a Namespace that is deleted: as upstream's namespace-controller, without get of what it only counts",
	"orrery:controller:disruption-controller":                "how many replicas there shall be is the scale of whatever controls a pod, of any kind, and nothing else of it: as upstream's",
	"orrery:controller:resourcequota-controller":             "a quota may count objects of any kind, also one that is defined tomorrow, and RBAC has no word for metadata: as upstream's",
	"orrery:controller:horizontal-pod-autoscaler-controller": "what it scales may be of any kind, and it changes nothing but the scale; metrics are resources with the names that their makers gave them: as upstream's",
	"orrery:controller:storage-version-migrator-controller":  "objects of any kind may be stored in an old version, and it has them stored anew by an empty patch; the API server lets nobody patch more rights into a role than they have: as upstream's",
	"orrery:controller:clusterrole-aggregation-controller":   "a ClusterRole that it fills may hold any right, and who may not escalate can give none that they lack: as upstream's",
}

func TestNobodyMayDoEverything(t *testing.T) {
	policy, err := DefaultPolicy()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, role := range policy.ClusterRoles {
		for _, rule := range role.Rules {
			if slices.ContainsFunc([]string{rbacv1.VerbAll, "bind", "impersonate"}, func(verb string) bool { return slices.Contains(rule.Verbs, verb) }) {
				t.Errorf("%s may do %v, which nobody needs", role.Name, rule.Verbs)
			}
			if !slices.Contains(rule.APIGroups, rbacv1.APIGroupAll) && !slices.Contains(rule.Resources, rbacv1.ResourceAll) && !slices.Contains(rule.Verbs, "escalate") {
				continue
			}
			seen[role.Name] = true
			if mighty[role.Name] == "" {
				t.Errorf("%s may do %v with %v of %v, and no reason is given", role.Name, rule.Verbs, rule.Resources, rule.APIGroups)
			}
		}
	}
	for name := range mighty {
		if !seen[name] {
			t.Errorf("%s does nothing that needs a reason any more", name)
		}
	}
}

func TestNobodyReadsAllSecretsWithoutAReason(t *testing.T) {
	reasons := map[string]string{
		Ingress.User:        "it reads the certificates that Ingresses of any namespace name, one at a time, and runs with --ingress only",
		SimulatedNodes.User: "it acts for every node, and reads the Secrets that their pods name, one at a time",
		Controller("serviceaccount-token-controller").User:                "people ask for tokens in Secrets of any namespace, and RBAC has no word for those of one type: as upstream's",
		Controller("legacy-serviceaccount-token-cleaner-controller").User: "such tokens are in Secrets of any namespace; its cache asks for those of their type alone, for which RBAC has no word: as upstream's",
	}
	policy, err := DefaultPolicy()
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range policy.ClusterRoles {
		for _, rule := range role.Rules {
			if slices.Contains(rule.Resources, "secrets") && reasons[role.Name] == "" && len(rule.ResourceNames) == 0 {
				t.Errorf("%s may %v Secrets in all namespaces", role.Name, rule.Verbs)
			}
		}
	}
}
