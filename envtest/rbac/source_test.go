package rbac

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rightsIn are the rights in files, as lines.
func rightsIn(t *testing.T, options Options) []string {
	t.Helper()
	declared, err := readSource(options.Roles, "default")
	if err != nil {
		t.Fatal(err)
	}
	roles, err := declared.bound(options.ServiceAccount)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, role := range roles {
		if role.has != nil {
			lines = append(lines, fmt.Sprintf("what %s %s of the server has, in %s", role.has.Kind, role.has.Name, role.Namespace))
		}
		lines = append(lines, leftover(Grants(role.Role))...)
	}
	return lines
}

func TestRolesAreThoseThatAreBoundToTheServiceAccount(t *testing.T) {
	want := []string{
		"get, update leases.coordination.k8s.io manager in namespace default: rule 1 of Role leader-election-role (testdata/kubebuilder/leader_election.yaml)",
		"what Role extension-apiserver-authentication-reader of the server has, in kube-system",
		"get, list, watch, create, delete configmaps: rule 1 of ClusterRole manager-role (testdata/kubebuilder/role.yaml)",
		"patch sites.example.org/status: rule 2 of ClusterRole manager-role (testdata/kubebuilder/role.yaml)",
	}
	for name, account := range map[string]string{"of the only one": "", "of one that is named": "system/controller-manager"} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(want, rightsIn(t, Options{Roles: []string{"testdata/kubebuilder"}, ServiceAccount: account})); diff != "" {
				t.Errorf("the rights (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryRoleCountsWhereNothingIsBound(t *testing.T) {
	want := []string{
		"get, list, watch, create, delete configmaps: rule 1 of ClusterRole manager-role (testdata/kubebuilder/role.yaml)",
		"patch sites.example.org/status: rule 2 of ClusterRole manager-role (testdata/kubebuilder/role.yaml)",
	}
	if diff := cmp.Diff(want, rightsIn(t, Options{Roles: []string{"testdata/kubebuilder/role.yaml"}})); diff != "" {
		t.Errorf("the rights (-want +got):\n%s", diff)
	}
}

func TestMarkersGrantWhatControllerGenMakesOfThem(t *testing.T) {
	want := []string{
		"get, patch sites.example.org: testdata/markers/controller.go:4",
		"get, patch sites.example.org/status: testdata/markers/controller.go:4",
		"create configmaps: testdata/markers/controller.go:5",
		"get /metrics: testdata/markers/controller.go:7",
		"update leases.coordination.k8s.io manager in namespace sites-system: testdata/markers/controller.go:6",
	}
	if diff := cmp.Diff(want, rightsIn(t, Options{Roles: []string{"testdata/markers"}})); diff != "" {
		t.Errorf("the rights (-want +got):\n%s", diff)
	}
}

func TestMarkersCountBesideWhatIsBound(t *testing.T) {
	both := rightsIn(t, Options{Roles: []string{"testdata/kubebuilder", "testdata/markers"}})
	if len(both) != 4+5 {
		t.Errorf("the rights are\n%s", strings.Join(both, "\n"))
	}
}

func TestWhatSaysNothingAboutRolesIsAnError(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct {
		options Options
		want    string
	}{
		"no such file":    {Options{Roles: []string{dir + "/none.yaml"}}, "looking for roles: stat"},
		"no role in it":   {Options{Roles: []string{write("kustomization.yaml", "resources: []\n")}}, "has `make manifests` been run?"},
		"no paths at all": {Options{}, "say by Roles"},
		"no manifest": {
			Options{Roles: []string{write("role.yaml", "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nrule: []\n")}}, `unknown field "rule"`,
		},
		"a marker with a typing error": {Options{Roles: []string{write("a.go", "package a\n\n// +kubebuilder:rbac:group=x,verbs=get\n")}}, "a.go:3"},
		"another ServiceAccount": {
			Options{Roles: []string{"testdata/kubebuilder"}, ServiceAccount: "system/other"}, "there are bindings to system/controller-manager",
		},
	} {
		t.Run(name, func(t *testing.T) {
			declared, err := readSource(c.options.Roles, "default")
			if err == nil {
				_, err = declared.bound(c.options.ServiceAccount)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want one with %q", err, c.want)
			}
		})
	}
}
