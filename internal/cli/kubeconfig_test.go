package cli

import (
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/apiserver/pki"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	certutil "k8s.io/client-go/util/cert"
	"k8s.io/utils/clock"
)

// everStarted is an instance with what a first start leaves of its access.
func everStarted(t *testing.T) *instance.Instance {
	t.Helper()
	inst, err := instance.Open(t.TempDir(), "orrery")
	if err != nil {
		t.Fatal(err)
	}
	store, err := pki.Open(filepath.Join(serverDir(inst), "pki"), clock.RealClock{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Files([]string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}); err != nil {
		t.Fatal(err)
	}
	pair, err := identity.Admin.Sign(store.Authority())
	if err != nil {
		t.Fatal(err)
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["orrery"] = &clientcmdapi.Cluster{Server: "https://127.0.0.1:6443", CertificateAuthorityData: store.Authority().Certificate()}
	config.AuthInfos["admin"] = &clientcmdapi.AuthInfo{ClientCertificateData: pair.Certificate, ClientKeyData: pair.Key}
	config.Contexts["orrery"] = &clientcmdapi.Context{Cluster: "orrery", AuthInfo: "admin"}
	config.CurrentContext = "orrery"
	if err := clientcmd.WriteToFile(*config, inst.Kubeconfig()); err != nil {
		t.Fatal(err)
	}
	return inst
}

// kubeconfig runs 'orrery kubeconfig', and returns what it prints and what it says beside that.
func kubeconfig(inst *instance.Instance, args ...string) (config *clientcmdapi.Config, said string, err error) {
	var out, beside strings.Builder
	root := newRoot()
	root.SetOut(&out)
	root.SetErr(&beside)
	root.SetArgs(append([]string{"--data-dir", filepath.Dir(inst.Dir), "--name", inst.Name, "kubeconfig"}, args...))
	if err := root.Execute(); err != nil {
		return nil, beside.String(), err
	}
	config, err = clientcmd.Load([]byte(out.String()))
	return config, beside.String(), err
}

// holder is the certificate in a kubeconfig.
func holder(t *testing.T, config *clientcmdapi.Config) *x509.Certificate {
	t.Helper()
	certs, err := certutil.ParseCertsPEM(config.AuthInfos[config.Contexts[config.CurrentContext].AuthInfo].ClientCertificateData)
	if err != nil {
		t.Fatal(err)
	}
	roots, err := certutil.NewPoolFromBytes(config.Clusters["orrery"].CertificateAuthorityData)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := certs[0].Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		t.Errorf("the server would not believe it: %v", err)
	}
	return certs[0]
}

func TestTheAdministratorsKubeconfigIsForAnyMachine(t *testing.T) {
	inst := everStarted(t)
	here, _, err := kubeconfig(inst)
	if err != nil {
		t.Fatal(err)
	}
	there, said, err := kubeconfig(inst, "--server", "https://cp.example.com:6443")
	if err != nil {
		t.Fatal(err)
	}
	if got := here.Clusters["orrery"].Server; got != "https://127.0.0.1:6443" {
		t.Errorf("here it leads to %s", got)
	}
	if got := there.Clusters["orrery"].Server; got != "https://cp.example.com:6443" {
		t.Errorf("there it leads to %s", got)
	}
	if who := holder(t, there).Subject.CommonName; who != identity.Admin.User {
		t.Errorf("it is %s's", who)
	}
	if !strings.Contains(said, "--tls-san cp.example.com") {
		t.Errorf("that the certificate lacks the name is said as %q", said)
	}
}

func TestAKubeconfigIsSignedForSomebodyForATime(t *testing.T) {
	inst := everStarted(t)
	config, said, err := kubeconfig(inst, "--as-user", "jane", "--group", "dev", "--group", "ops", "--expires", "2h")
	if err != nil {
		t.Fatal(err)
	}
	jane := holder(t, config)
	if jane.Subject.CommonName != "jane" || !slices.Equal(jane.Subject.Organization, []string{"dev", "ops"}) {
		t.Errorf("it is for %s", jane.Subject)
	}
	if left := time.Until(jane.NotAfter); left > 2*time.Hour || left < time.Hour {
		t.Errorf("it is good for %s, want 2h", left)
	}
	if strings.Contains(said, "warning") || !strings.Contains(said, "good until") {
		t.Errorf("it says %q", said)
	}
	day, _, err := kubeconfig(inst, "--as-user", "jane")
	if err != nil {
		t.Fatal(err)
	}
	short := holder(t, day)
	if left := time.Until(short.NotAfter); left > 24*time.Hour || len(short.Subject.Organization) > 0 {
		t.Errorf("by default it is good for %s, in groups %v", left, short.Subject.Organization)
	}
	if _, said, err := kubeconfig(inst, "--as-user", "root", "--group", "system:masters"); err != nil || !strings.Contains(said, "warning: root may do everything") {
		t.Errorf("for system:masters it says %q (%v)", said, err)
	}
}

func TestAKubeconfigInAFileIsItsOwnersAlone(t *testing.T) {
	inst := everStarted(t)
	path := filepath.Join(t.TempDir(), "jane.kubeconfig")
	if err := os.WriteFile(path, []byte("an old one"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := kubeconfig(inst, "--as-user", "jane", "-o", path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("its mode is %v, want 0600", info.Mode())
	}
	if config, err := clientcmd.LoadFromFile(path); err != nil || config.CurrentContext != "orrery" {
		t.Errorf("it holds %v (%v)", config, err)
	}
}

func TestWhatCannotBeAskedOfAKubeconfig(t *testing.T) {
	inst := everStarted(t)
	empty, err := instance.Open(t.TempDir(), "orrery")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		inst *instance.Instance
		args []string
		want string
	}{
		"an instance that was never started": {empty, nil, "orrery up"},
		"one for somebody of such":           {empty, []string{"--as-user", "jane"}, "orrery up"},
		"a group of nobody":                  {inst, []string{"--group", "dev"}, "--as-user"},
		"a time for the administrator's":     {inst, []string{"--expires", "1h"}, "--as-user"},
		"a time that is over":                {inst, []string{"--as-user", "jane", "--expires", "-1h"}, "--expires -1h"},
		"a server without TLS":               {inst, []string{"--server", "http://cp.example.com"}, `--server "http://cp.example.com"`},
		"a server that is no URL":            {inst, []string{"--server", "cp.example.com:6443"}, "https://cp.example.com:6443"},
	} {
		if _, _, err := kubeconfig(c.inst, c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %s", name, err, c.want)
		}
	}
	if _, err := os.Stat(serverDir(empty)); !os.IsNotExist(err) {
		t.Errorf("asking made something: %v", err)
	}
}
