package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// maxRelease is how large the Secret may be in which Helm keeps a release. The API server takes a MiB; what is free is for the
// values of users, and for kinds to come.
const maxRelease = 700_000

// A release on an API server that knows nothing of us.
func TestARelease(t *testing.T) {
	t.Parallel() // it waits more than it works
	plain := newPlain(t)
	plain.kubectl(t, "", "create", "namespace", namespace)
	plain.kubectl(t, "", "apply", "-f", filepath.Join("testdata", "foreign.yaml"))
	plain.kubectl(t, "", "wait", "--for=condition=Established", "--timeout="+patience.String(), "crd", "--all")

	for _, name := range []string{"default", "fullest"} {
		t.Run("is accepted with the values "+name, func(t *testing.T) {
			plain.kubectl(t, newHelm(t, "v4").run(t, rendered(name)...), "apply", "--server-side", "--dry-run=server", "-f", "-")
		})
	}
	eachHelm(t, func(t *testing.T, h helm) {
		h = h.on(plain.kubeconfig)
		t.Run("is installed", func(t *testing.T) {
			notes := h.run(t, "install", chartName, chart)
			if want := "kubectl get deployments.apps.orrery.dev"; !strings.Contains(notes, want) {
				t.Errorf("the notes have no %q:\n%s", want, notes)
			}
			plain.has(t, "clusterrole/orrery-scheduler-role", true)
			plain.has(t, "clusterrole/orrery-cluster-loops-role", false)
		})
		t.Run("is upgraded", func(t *testing.T) {
			h.run(t, "upgrade", chartName, chart, "--values", filepath.Join("testdata", "fullest-values.yaml"), "--set", "nameOverride=")
			plain.has(t, "clusterrole/orrery-cluster-loops-role", true)
			plain.has(t, "mutatingwebhookconfiguration/orrery-mutating-webhook-configuration", true)
		})
		t.Run("is rolled back", func(t *testing.T) {
			h.run(t, "rollback", chartName, "1")
			plain.has(t, "clusterrole/orrery-cluster-loops-role", false)
			plain.has(t, "mutatingwebhookconfiguration/orrery-mutating-webhook-configuration", false)
		})
		t.Run("is small enough to be kept", func(t *testing.T) {
			sizes := strings.Fields(plain.kubectl(t, "", "-n", namespace, "get", "secrets", "-l", "owner=helm", "-o", `go-template={{range .items}}{{len .data.release}} {{end}}`))
			if len(sizes) != 3 {
				t.Errorf("there are %d revisions, want 3", len(sizes))
			}
			for _, size := range sizes {
				t.Logf("a revision has %s bytes", size)
				if n := number(t, size); n > maxRelease {
					t.Errorf("a revision has %d bytes, want no more than %d", n, maxRelease)
				}
			}
		})
		t.Run("is uninstalled, and leaves the definitions", func(t *testing.T) {
			h.run(t, "uninstall", chartName)
			left := plain.kubectl(t, "", "get", "deployments,services,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings,secrets",
				"--all-namespaces", "-l", "app.kubernetes.io/instance="+chartName, "-o", "name")
			if left != "" {
				t.Errorf("there is left:\n%s", left)
			}
			plain.has(t, "crd/deployments.apps.orrery.dev", true)
		})
	})
	t.Run("of kustomize is deployed and undeployed", func(t *testing.T) { deploys(t, plain) })
}

// What `make deploy` and `make undeploy` do. The definitions are those that releases have left.
func deploys(t *testing.T, plain cluster) {
	folder := filepath.Join(root, "config", "default")
	plain.kubectl(t, "", "apply", "--server-side", "--force-conflicts", "-k", folder)
	plain.has(t, "deployment/orrery-controller-manager", true)
	plain.has(t, "clusterrole/orrery-manager-role", true)
	plain.kubectl(t, "", "delete", "--wait=false", "-k", folder)
	plain.has(t, "clusterrole/orrery-manager-role", false)
}

// has checks that there is something, or is not.
func (c cluster) has(t *testing.T, name string, want bool) {
	t.Helper()
	out := c.kubectl(t, "", "get", name, "--namespace", namespace, "--ignore-not-found", "-o", "name")
	if (out != "") != want {
		t.Errorf("that there is %s: %t, want %t", name, out != "", want)
	}
}
