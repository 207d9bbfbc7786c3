package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/orrery-dev/orrery/controllers"
)

func TestSplit(t *testing.T) {
	all := rbacv1.PolicyRule{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"list", "watch"}}
	one := rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"configmaps"}, ResourceNames: []string{"mine"}, Verbs: []string{"list", "watch"}}
	for name, c := range map[string]struct {
		given       []rbacv1.PolicyRule
		own, shared []rbacv1.PolicyRule
	}{
		"lets the cache read what a loop watches, and the loop write it": {
			given:  []rbacv1.PolicyRule{rule("", "get list watch delete", "pods")},
			own:    []rbacv1.PolicyRule{rule("", "get delete", "pods")},
			shared: []rbacv1.PolicyRule{rule("", "list watch", "pods")},
		},
		"leaves nothing to a loop that only reads": {
			given:  []rbacv1.PolicyRule{rule("", "list watch", "nodes")},
			shared: []rbacv1.PolicyRule{rule("", "list watch", "nodes")},
		},
		"leaves it to get what it asks the API server about": {
			given:  []rbacv1.PolicyRule{rule("", "get list watch", "pods")},
			own:    []rbacv1.PolicyRule{rule("", "get", "pods")},
			shared: []rbacv1.PolicyRule{rule("", "list watch", "pods")},
		},
		"lets a loop list what the cache reads as well": {
			given:  []rbacv1.PolicyRule{rule("", "list watch", "pods"), rule("", "list", "pods")},
			own:    []rbacv1.PolicyRule{rule("", "list", "pods")},
			shared: []rbacv1.PolicyRule{rule("", "list watch", "pods")},
		},
		"leaves lists to a loop that does not watch": {
			given: []rbacv1.PolicyRule{rule("", "list", "pods")},
			own:   []rbacv1.PolicyRule{rule("", "list", "pods")},
		},
		"never lets the cache read Secrets": {
			given:  []rbacv1.PolicyRule{rule("", "list watch", "secrets", "pods")},
			own:    []rbacv1.PolicyRule{rule("", "list watch", "secrets")},
			shared: []rbacv1.PolicyRule{rule("", "list watch", "pods")},
		},
		"never lets the cache read everything": {given: []rbacv1.PolicyRule{all}, own: []rbacv1.PolicyRule{all}},
		"leaves one object to the loop":        {given: []rbacv1.PolicyRule{one}, own: []rbacv1.PolicyRule{one}},
	} {
		t.Run(name, func(t *testing.T) {
			own, shared := split(c.given)
			if diff := cmp.Diff(c.own, own, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the loop's (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.shared, shared, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the cache's (-want +got):\n%s", diff)
			}
		})
	}
}

// What make manifests would write of the loops is what is in the repository.
func TestRolesOfLoopsAreUpToDate(t *testing.T) {
	t.Chdir("../..")
	config := t.TempDir()
	if err := os.MkdirAll(filepath.Join(config, "rbac", "components"), 0o755); err != nil {
		t.Fatal(err)
	}
	entries := controllers.All(controllers.Options{})
	from, err := loadSources(entries, nil)
	if err != nil {
		t.Fatal(err)
	}
	rooms, err := readRooms(from, entries)
	if err != nil {
		t.Fatal(err)
	}
	if err := writeControllers(config, rooms); err != nil {
		t.Fatal(err)
	}
	want, got := contents(t, filepath.Join(config, "rbac")), contents(t, "config/rbac")
	for path := range got {
		if want[path] == "" && !strings.HasPrefix(path, "controllers/") {
			delete(got, path) // of somebody else
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("run make manifests: (-what the markers ask for +config/rbac)\n%s", diff)
	}
}

func TestTheTableIsUpToDate(t *testing.T) {
	docs := t.TempDir()
	if err := writeTable("../../config", docs); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/security-rights.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(contents(t, docs)["security-rights.md"], string(got)); diff != "" {
		t.Errorf("run make manifests: (-what the roles say +docs/security-rights.md)\n%s", diff)
	}
}

// contents are the files below a folder.
func contents(t *testing.T, folder string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := fs.WalkDir(os.DirFS(folder), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(folder, path))
		found[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
