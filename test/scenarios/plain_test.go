package scenarios

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

const adminToken = "secret"

// startPlain starts upstream's etcd and kube-apiserver, each in a process of its own, and installs our definitions. It
// returns how an administrator reaches it.
func startPlain(t *testing.T) *rest.Config {
	t.Helper()
	dir := shortDir(t)
	etcd := "unix://" + filepath.Join(dir, "etcd.sock")
	runProgram(t, "etcd", "--data-dir", filepath.Join(dir, "etcd"), "--unsafe-no-fsync", "--log-level=error",
		"--listen-client-urls", etcd, "--advertise-client-urls", etcd, "--listen-peer-urls", "unix://"+filepath.Join(dir, "peer.sock"))

	port, key := reservePort(t), writeKey(t, dir)
	tokens := filepath.Join(dir, "tokens.csv")
	if err := os.WriteFile(tokens, []byte(adminToken+`,admin,admin,"system:masters"`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	runProgram(t, "kube-apiserver", "--etcd-servers", etcd, "--bind-address=127.0.0.1", "--secure-port", port, "--permit-port-sharing",
		"--cert-dir", filepath.Join(dir, "certs"), "--token-auth-file", tokens, "--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file", key,
		"--service-account-signing-key-file", key, "--service-cluster-ip-range=10.90.0.0/16", "--endpoint-reconciler-type=none")

	config := &rest.Config{Host: "https://127.0.0.1:" + port, BearerToken: adminToken, QPS: -1}
	config.CAFile = filepath.Join(dir, "certs", "apiserver.crt") // it signs for itself
	eventually(t, "the plain API server to be ready", func() (string, bool) { return ready(t.Context(), config) })
	definitions := envtest.CRDInstallOptions{Paths: []string{"../../config/crd/bases"}, ErrorIfPathMissing: true, MaxTime: time.Minute}
	if _, err := envtest.InstallCRDs(config, definitions); err != nil {
		t.Fatal(err)
	}
	return config
}

// ready asks for more than /readyz: the namespace that everything begins in.
func ready(ctx context.Context, config *rest.Config) (string, bool) {
	set, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err.Error(), false
	}
	if answer, err := set.RESTClient().Get().AbsPath("/readyz").DoRaw(ctx); err != nil {
		return string(answer) + err.Error(), false
	}
	if _, err := set.CoreV1().Namespaces().Get(ctx, metav1.NamespaceDefault, metav1.GetOptions{}); err != nil {
		return err.Error(), false
	}
	return "", true
}

// runProgram runs one of upstream's programs until the test ends. What it said is shown when the test failed.
func runProgram(t *testing.T, args ...string) {
	t.Helper()
	var said bytes.Buffer
	command := exec.Command(os.Args[0], args...)
	command.Env = append(os.Environ(), programVariable+"=1")
	command.Stdout, command.Stderr = &said, &said
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := command.Process.Signal(syscall.SIGTERM); err != nil {
			t.Logf("ending %s: %v", args[0], err)
		}
		err := command.Wait()
		if t.Failed() {
			lines := strings.Split(strings.TrimSpace(said.String()), "\n")
			t.Logf("%s ended with %v and said at last:\n%s", args[0], err, strings.Join(lines[max(0, len(lines)-20):], "\n"))
		}
	})
}

// writeKey writes the key that service account tokens are signed with.
func writeKey(t *testing.T, dir string) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "sa.key")
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// shortDir is a directory whose path leaves room for the name of a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "plain") //nolint:usetesting // the test's own name would be in the path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// reservePort is a port of 127.0.0.1 that nobody else gets until the test ends, but a server which permits sharing it:
// upstream's programs cannot be handed a listener.
func reservePort(t *testing.T) string {
	t.Helper()
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(socket) })
	unix.CloseOnExec(socket)
	if err := unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(socket, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	address, err := unix.Getsockname(socket)
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(address.(*unix.SockaddrInet4).Port)
}
