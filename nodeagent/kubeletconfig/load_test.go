package kubeletconfig

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const head = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"

// write writes files below a new directory.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestDropInsAreMergedInTheOrderOfTheirNames(t *testing.T) {
	dir := write(t, map[string]string{
		"kubelet.yaml":      head + "maxPods: 20\nclusterDNS: [192.0.2.10]\nnodeStatusUpdateFrequency: 4s\ncontainerLogMaxFiles: 3\nauthentication: {webhook: {cacheTTL: 1s}}\n",
		"d/20-more.conf":    head + "maxPods: 40\nclusterDNS: [192.0.2.20, 192.0.2.21]\n",
		"d/10-first.conf":   head + "maxPods: 30\nclusterDomain: first.example\nauthentication: {anonymous: {enabled: false}}\n",
		"d/30/last.conf":    head + "clusterDomain: last.example\ncontainerLogMaxFiles: null\n",
		"d/99-skipped.yaml": "this is no configuration",
	})
	c, err := Load(filepath.Join(dir, "kubelet.yaml"), filepath.Join(dir, "d"))
	if err != nil {
		t.Fatal(err)
	}
	if c.MaxPods != 40 || strings.Join(c.ClusterDNS, " ") != "192.0.2.20 192.0.2.21" || c.ClusterDomain != "last.example" {
		t.Errorf("the last drop-in that says something does not win: %+v", c)
	}
	if c.NodeStatusUpdateFrequency.Duration != 4*time.Second || c.Authentication.Webhook.CacheTTL.Duration != time.Second {
		t.Errorf("what no drop-in says something of is lost: %+v", c)
	}
	if c.ContainerLogMaxFiles != nil {
		t.Errorf("what is null in a drop-in is still there: %d", *c.ContainerLogMaxFiles)
	}
	if c.Authentication.Anonymous.Enabled == nil || *c.Authentication.Anonymous.Enabled {
		t.Error("objects are replaced as a whole rather than merged")
	}
}

func TestEitherFileOrDropInsAreEnough(t *testing.T) {
	dir := write(t, map[string]string{"d/a.conf": head + "maxPods: 7\n", "k.json": `{"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "maxPods": 8}`})
	if c, err := Load("", filepath.Join(dir, "d")); err != nil || c.MaxPods != 7 {
		t.Errorf("from drop-ins: %v, %v", c, err)
	}
	if c, err := Load(filepath.Join(dir, "k.json"), ""); err != nil || c.MaxPods != 8 {
		t.Errorf("from a file in JSON: %v, %v", c, err)
	}
	if c, err := Load("", ""); err != nil || c.MaxPods != 0 {
		t.Errorf("from nothing: %v, %v", c, err)
	}
}

func TestPathsBeginAtTheirFile(t *testing.T) {
	dir := write(t, map[string]string{
		"k.yaml":   head + "tlsCertFile: tls/node.crt\ntlsPrivateKeyFile: /etc/node.key\nresolvConf: \"\"\n",
		"d/a.conf": head + "authentication: {x509: {clientCAFile: ca.crt}}\n",
	})
	c, err := Load(filepath.Join(dir, "k.yaml"), filepath.Join(dir, "d"))
	if err != nil {
		t.Fatal(err)
	}
	if c.TLSCertFile != filepath.Join(dir, "tls/node.crt") || c.TLSPrivateKeyFile != "/etc/node.key" || *c.ResolverConfig != "" ||
		c.Authentication.X509.ClientCAFile != filepath.Join(dir, "d/ca.crt") {
		t.Errorf("paths are %q, %q, %q and %q", c.TLSCertFile, c.TLSPrivateKeyFile, *c.ResolverConfig, c.Authentication.X509.ClientCAFile)
	}
}

func TestAFileIsReadStrictly(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"a field that there is not":   {head + "maxpods: 3\n", `unknown field "maxpods"`},
		"a field that is there twice": {head + "maxPods: 3\nmaxPods: 4\n", `"maxPods" already set`},
		"a value of another type":     {head + "maxPods: many\n", "maxPods"},
		"a time without a unit":       {head + "nodeStatusUpdateFrequency: 10\n", "nodeStatusUpdateFrequency"},
		"another kind":                {"apiVersion: kubelet.config.k8s.io/v1beta1\nkind: CredentialProviderConfig\n", "KubeletConfiguration"},
		"no kind":                     {"maxPods: 3\n", "Kind"},
		"another version":             {"apiVersion: kubelet.config.k8s.io/v1\nkind: KubeletConfiguration\n", "kubelet.config.k8s.io/v1"},
		"nothing":                     {"", "it is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, map[string]string{"k.yaml": test.text, "d/a.conf": test.text})
			for _, err := range []error{second(Load(filepath.Join(dir, "k.yaml"), "")), second(Load("", filepath.Join(dir, "d")))} {
				if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), dir) {
					t.Errorf("got %v, want the file and %q", err, test.want)
				}
			}
		})
	}
	if _, err := Load("/nowhere/k.yaml", ""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := Load("", "/nowhere"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a directory that is not there: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }
