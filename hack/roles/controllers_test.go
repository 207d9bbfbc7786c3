package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	rbacv1 "k8s.io/api/rbac/v1"
)

func TestSplit(t *testing.T) {
	all := rbacv1.PolicyRule{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"list", "watch"}}
	one := rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"configmaps"}, ResourceNames: []string{"mine"}, Verbs: []string{"list", "watch"}}
	for name, c := range map[string]struct {
		given       rbacv1.PolicyRule
		own, shared []rbacv1.PolicyRule
	}{
		"lets the cache read what a loop watches, and the loop write it": {
			given:  rule("", "get list watch delete", "pods"),
			own:    []rbacv1.PolicyRule{rule("", "get delete", "pods")},
			shared: []rbacv1.PolicyRule{rule("", "list watch", "pods")},
		},
		"leaves nothing to a loop that only reads": {
			given:  rule("", "list watch", "nodes"),
			shared: []rbacv1.PolicyRule{rule("", "list watch", "nodes")},
		},
		"leaves lists to a loop that does not watch": {
			given: rule("", "list", "pods"),
			own:   []rbacv1.PolicyRule{rule("", "list", "pods")},
		},
		"never lets the cache read Secrets": {
			given:  rule("", "list watch", "secrets", "pods"),
			own:    []rbacv1.PolicyRule{rule("", "list watch", "secrets")},
			shared: []rbacv1.PolicyRule{rule("", "list watch", "pods")},
		},
		"never lets the cache read everything": {given: all, own: []rbacv1.PolicyRule{all}},
		"leaves one object to the loop":        {given: one, own: []rbacv1.PolicyRule{one}},
	} {
		t.Run(name, func(t *testing.T) {
			own, shared := split([]rbacv1.PolicyRule{c.given})
			if diff := cmp.Diff(c.own, own, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the loop's (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.shared, shared, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the cache's (-want +got):\n%s", diff)
			}
		})
	}
}

// What make manifests would write is what is in the repository.
func TestRolesAndTheirTableAreUpToDate(t *testing.T) {
	t.Chdir("../..")
	config, docs := t.TempDir(), t.TempDir()
	if err := os.CopyFS(filepath.Join(config, "rbac"), os.DirFS("config/rbac")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(config, "cluster-loops"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := generate(config, docs); err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]string{{config, "config"}, {docs, "docs"}} {
		for path, want := range contents(t, pair[0]) {
			got, err := os.ReadFile(filepath.Join(pair[1], path))
			if diff := cmp.Diff(want, string(got)); err != nil || diff != "" {
				t.Errorf("%s/%s is not what the markers ask for, run make manifests: %v\n%s", pair[1], path, err, diff)
			}
		}
	}
	for path := range contents(t, "config/rbac/controllers") {
		if _, err := os.Stat(filepath.Join(config, "rbac/controllers", path)); err != nil {
			t.Errorf("config/rbac/controllers/%s is of no loop, run make manifests", path)
		}
	}
}

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
