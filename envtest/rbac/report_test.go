package rbac

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestWhatAReportSays(t *testing.T) {
	granted := Grants(
		Role{Name: "ClusterRole manager-role (config/rbac/role.yaml)", Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{""}, Resources: []string{"configmaps", "secrets"}, Verbs: []string{"get", "list", "watch", "delete"}},
			{APIGroups: []string{"apps"}, Resources: []string{"deployments/scale"}, ResourceNames: []string{"web"}, Verbs: []string{"update"}},
			{APIGroups: []string{"", "events.k8s.io"}, Resources: []string{"events"}, Verbs: []string{"create", "patch"}},
			{APIGroups: []string{"example.org"}, Resources: []string{"sites/finalizers"}, Verbs: []string{"update"}},
			{NonResourceURLs: []string{"/metrics"}, Verbs: []string{"get"}},
		}},
		Role{Name: "Role manager-role (config/rbac/role.yaml)", Namespace: "sites-system", Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"*"}},
		}},
		Role{Rules: []rbacv1.PolicyRule{{APIGroups: []string{"example.org"}, Resources: []string{"sites"}, Verbs: []string{"watch", "delete"}}}, Places: []string{"controller.go:12"}},
	)
	allowed := []Request{
		{Verb: "watch", Resource: "configmaps"},
		{Verb: "create", Group: "events.k8s.io", Resource: "events", Namespace: "default"},
		{Verb: "watch", Group: "example.org", Resource: "sites"},
	}
	r := Report{
		Judgement: Judge(granted, allowed, []Reason{
			{Verb: "get", On: "/metrics", Why: "nobody asks for figures here"},
			{On: "leases.coordination.k8s.io", Why: "no leader is elected here"},
			{Verb: "create", On: "pods", Why: "pods are made every hour"},
		}),
		Refused: []Refusal{
			{Request: Request{Verb: "get", URL: "/version/deep"}, Times: 1},
			{Request: Request{Verb: "create", Resource: "configmaps", Namespace: "default"}, Times: 3},
			{Request: Request{Verb: "patch", Resource: "configmaps", Namespace: "default", Name: "a"}, Times: 1},
			{Request: Request{Verb: "patch", Resource: "configmaps", Namespace: "default", Name: "b"}, Times: 2},
			{Request: Request{Verb: "patch", Resource: "configmaps", Namespace: "default", Name: "c"}, Times: 1},
			{Request: Request{Verb: "patch", Resource: "configmaps", Namespace: "default", Name: "d"}, Times: 1},
			{Request: Request{Verb: "create", Resource: "secrets", Namespace: "sites-system"}, Times: 1},
			{Request: Request{Verb: "list", Group: "apps", Resource: "deployments"}, Times: 1},
			{Request: Request{Verb: "patch", Group: "example.org", Resource: "sites/status", Namespace: "default", Name: "a"}, Times: 1},
		},
		NotAdmitted: []Refusal{{
			Request: Request{Verb: "create", Resource: "pods", Namespace: "default"}, Times: 2, Message: `pods "a" is forbidden: exceeded quota: few`,
		}},
		narrow: map[string]bool{"sites-system": true},
	}
	golden(t, "report", r.String())
}

func TestARoleThatIsWhatIsNeededHasNothingSaidAboutIt(t *testing.T) {
	granted := Grants(Role{Name: "ClusterRole r", Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"get"}}}})
	r := Report{Judgement: Judge(granted, []Request{{Verb: "get", Resource: "pods", Namespace: "default", Name: "a"}}, nil)}
	if text := r.String(); text != "" {
		t.Errorf("it says %s", text)
	}
}
