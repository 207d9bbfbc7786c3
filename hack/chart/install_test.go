package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
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
	plain.establishes(t)

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
			plain.has(t, "secret/orrery-webhook-certificate", true)
		})
		t.Run("is upgraded, and what the manager wrote stays", func(t *testing.T) {
			const bundle = "{.webhooks[*].clientConfig.caBundle}"
			hooks := []string{"mutatingwebhookconfiguration/orrery-mutating-webhook-configuration", "-o", "jsonpath=" + bundle}
			plain.kubectl(t, "", "-n", namespace, "patch", "secret/orrery-webhook-certificate", "-p", `{"data":{"tls.crt":"bWluZQ=="}}`)
			plain.kubectl(t, "", "patch", hooks[0], "--type=json", "-p", `[{"op":"add","path":"/webhooks/0/clientConfig/caBundle","value":"`+authority(t)+`"}]`)
			before := plain.kubectl(t, "", append([]string{"get"}, hooks...)...)
			h.run(t, "upgrade", chartName, chart, "--set", "manager.replicas=2")
			if after := plain.kubectl(t, "", append([]string{"get"}, hooks...)...); after != before || before == "" {
				t.Errorf("the API server trusts %q, and trusted %q", after, before)
			}
			kept := plain.kubectl(t, "", "-n", namespace, "get", "secret/orrery-webhook-certificate", "-o", `jsonpath={.data.tls\.crt}`)
			if kept != "bWluZQ==" {
				t.Errorf("the Secret holds %q", kept)
			}
		})
		t.Run("is upgraded to all that there is", func(t *testing.T) {
			h.run(t, "upgrade", chartName, chart, "--values", filepath.Join("testdata", "fullest-values.yaml"), "--set", "nameOverride=")
			plain.has(t, "clusterrole/orrery-cluster-loops-role", true)
			plain.has(t, "mutatingwebhookconfiguration/orrery-mutating-webhook-configuration", true)
			plain.has(t, "secret/orrery-webhook-certificate", false) // cert-manager keeps one
		})
		t.Run("is rolled back", func(t *testing.T) {
			h.run(t, "rollback", chartName, "1")
			plain.has(t, "clusterrole/orrery-cluster-loops-role", false)
			plain.has(t, "secret/orrery-webhook-certificate", true)
		})
		t.Run("is small enough to be kept", func(t *testing.T) {
			sizes := strings.Fields(plain.kubectl(t, "", "-n", namespace, "get", "secrets", "-l", "owner=helm", "-o", `go-template={{range .items}}{{len .data.release}} {{end}}`))
			if len(sizes) != 4 {
				t.Errorf("there are %d revisions, want 4", len(sizes))
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

// authority is a certificate that could be trusted, as a caBundle.
func authority(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}))
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
