package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/apis"
	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/yaml"
)

// What a manager may do by default on a cluster that somebody else runs: anything with what is ours that a loop needs, look
// at some of what is theirs, and tell what it did.
func TestAManagerMayChangeNothingThatIsNotOurs(t *testing.T) {
	for _, rule := range role(t, "rbac/role.yaml").Rules {
		for _, wrong := range overreaches(rule, telling) {
			t.Errorf("config/rbac/role.yaml: %s", wrong)
		}
	}
}

// The scheduler beside it holds a lease, and allocates the devices that ResourceClaims ask for.
func TestASchedulerMayChangeNothingThatIsNotOursButClaimsOfDevices(t *testing.T) {
	allowed := slices.Concat(telling, []change{
		{"coordination.k8s.io", "leases", "create"}, {"coordination.k8s.io", "leases", "update"},
		{"resource.k8s.io", "resourceclaims", "create"}, {"resource.k8s.io", "resourceclaims", "update"},
		{"resource.k8s.io", "resourceclaims", "delete"}, // those that it made itself, for extended resources
		{"resource.k8s.io", "resourceclaims/status", "patch"}, {"resource.k8s.io", "resourceclaims/status", "update"},
		{"resource.k8s.io", "resourceclaims/binding", "patch"}, {"resource.k8s.io", "resourceclaims/binding", "update"},
	})
	for _, rule := range role(t, "rbac/scheduler_role.yaml").Rules {
		for _, wrong := range overreaches(rule, allowed) {
			t.Errorf("config/rbac/scheduler_role.yaml: %s", wrong)
		}
	}
}

func TestEachOverreachIsSeen(t *testing.T) {
	for name, c := range map[string]struct {
		group, resource, verb string
		want                  string
	}{
		"reading what is theirs":        {"", "nodes", "watch", ""},
		"changing what is ours":         {"core.orrery.dev", "pods", "delete", ""},
		"telling what was done":         {"events.k8s.io", "events", "create", ""},
		"changing what is theirs":       {"", "pods", "delete", "may delete pods"},
		"anything with what is ours":    {"core.orrery.dev", "pods", "*", "names no"},
		"any resource of ours":          {"core.orrery.dev", "*", "get", "names no"},
		"any group":                     {"*", "pods", "get", "names no"},
		"giving away what one has not":  {"rbac.authorization.k8s.io", "clusterroles", "escalate", "may escalate"},
		"making others more than it is": {"", "users", "impersonate", "may impersonate"},
		"binding a role of ours":        {"core.orrery.dev", "pods", "bind", "may bind"},
	} {
		t.Run(name, func(t *testing.T) {
			rule := rbacv1.PolicyRule{APIGroups: []string{c.group}, Resources: []string{c.resource}, Verbs: []string{c.verb}}
			got := strings.Join(overreaches(rule, telling), "; ")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// Simulated nodes read what pods name, tell that they are well, and ask who it is that wants a pod's log.
func TestSimulatedNodesMayChangeNothingThatIsNotOursButLeases(t *testing.T) {
	allowed := slices.Concat(telling, []change{
		{"coordination.k8s.io", "leases", "create"}, {"coordination.k8s.io", "leases", "update"},
		{"authentication.k8s.io", "tokenreviews", "create"}, {"authorization.k8s.io", "subjectaccessreviews", "create"},
	})
	for _, rule := range role(t, "simulated-nodes/role.yaml").Rules {
		for _, wrong := range overreaches(rule, allowed) {
			t.Errorf("config/simulated-nodes/role.yaml: %s", wrong)
		}
	}
}

// The default with the line uncommented that turns the cluster's loops on: the manager runs them, and may.
func TestTheLoopsOfEveryClusterCanBeTurnedOn(t *testing.T) {
	built := buildDefaultWith(t, "cluster-loops")
	if args := managerOf(t, built).Spec.Template.Spec.Containers[0].Args; !slices.Contains(args, "--cluster-loops") || !slices.Contains(args, "--scheduler") {
		t.Errorf("the manager has the arguments %v, want those from before and --cluster-loops", args)
	}
	bound := map[string]bool{}
	for _, r := range built.Resources() {
		if r.GetKind() == "ClusterRoleBinding" {
			var binding rbacv1.ClusterRoleBinding
			if err := yaml.Unmarshal([]byte(r.MustYaml()), &binding); err != nil {
				t.Fatal(err)
			}
			bound[binding.RoleRef.Name] = true
		}
	}
	for _, want := range []string{"orrery-manager-role", "orrery-scheduler-role", "orrery-cluster-loops-role"} {
		if !bound[want] {
			t.Errorf("nobody is bound to %s, only to %v", want, bound)
		}
	}
}

func TestWithoutThemTheManagerMayNot(t *testing.T) {
	for _, r := range build(t, "default").Resources() {
		if strings.Contains(r.GetName(), "cluster-loops") {
			t.Errorf("config/default has %s %s", r.GetKind(), r.GetName())
		}
	}
}

// change is something that a rule may allow.
type change struct{ group, resource, verb string }

// telling is how a component tells what it did.
var telling = []change{{"", "events", "create"}, {"", "events", "patch"}, {"events.k8s.io", "events", "create"}, {"events.k8s.io", "events", "patch"}}

// readsOfAll are what loops read whose kinds nobody can name beforehand: how many pods there shall be, in the scale of whatever controls
// them, and metrics, which are resources with the names that their makers gave them.
var readsOfAll = []rbacv1.PolicyRule{
	{APIGroups: []string{rbacv1.APIGroupAll}, Resources: []string{"*/scale"}, Verbs: []string{"get"}},
	{APIGroups: []string{"custom.metrics.k8s.io"}, Resources: []string{rbacv1.ResourceAll}, Verbs: []string{"get"}},
	{APIGroups: []string{"external.metrics.k8s.io"}, Resources: []string{rbacv1.ResourceAll}, Verbs: []string{"list"}},
}

// overreaches are what a rule allows that is neither reading, nor about our kinds, nor among what is allowed.
func overreaches(rule rbacv1.PolicyRule, allowed []change) []string {
	var wrong []string
	if slices.ContainsFunc(readsOfAll, func(r rbacv1.PolicyRule) bool { return equality.Semantic.DeepEqual(r, rule) }) {
		return nil
	}
	if slices.Contains(slices.Concat(rule.APIGroups, rule.Resources, rule.Verbs), rbacv1.ResourceAll) {
		wrong = append(wrong, "it names no group, resource or verb but all: "+rule.String())
	}
	for _, group := range rule.APIGroups {
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				if slices.Contains([]string{"escalate", "bind", "impersonate"}, verb) ||
					!isOurs(group) && !slices.Contains([]string{"get", "list", "watch"}, verb) && !slices.Contains(allowed, change{group, resource, verb}) {
					wrong = append(wrong, "it may "+verb+" "+resource+" of "+group)
				}
			}
		}
	}
	return wrong
}

// isOurs reports that a group has nothing but custom resources of ours.
func isOurs(group string) bool {
	return slices.ContainsFunc(apis.Kinds(), func(k apis.Kind) bool { return k.GroupVersionKind(apis.Orrery).Group == group })
}

func role(t *testing.T, file string) rbacv1.ClusterRole {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "config", file))
	if err != nil {
		t.Fatal(err)
	}
	var role rbacv1.ClusterRole
	if err := yaml.UnmarshalStrict(data, &role); err != nil {
		t.Fatal(err)
	}
	if len(role.Rules) == 0 {
		t.Fatalf("config/%s has no rules", file)
	}
	return role
}

func managerOf(t *testing.T, built resmap.ResMap) appsv1.Deployment {
	t.Helper()
	var manager appsv1.Deployment
	for _, r := range built.Resources() {
		if r.GetKind() != "Deployment" {
			continue
		}
		if err := yaml.Unmarshal([]byte(r.MustYaml()), &manager); err != nil {
			t.Fatal(err)
		}
	}
	return manager
}
