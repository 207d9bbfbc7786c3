//go:build unix

package testserver

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
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/orrery-dev/orrery/internal/await"
)

// Plain is an API server that knows nothing of us and has no controllers: upstream's etcd and kube-apiserver.
type Plain struct {
	// Config is how an administrator reaches it, as fast as they like.
	Config *rest.Config
	// Kubeconfig is the path of a file that says so.
	Kubeconfig string
	// Stop ends the API server before the test does.
	Stop func()
}

// Program makes the command by which one of upstream's programs runs: its name, and its arguments.
type Program func(args ...string) *exec.Cmd

const adminToken = "secret"

// StartPlain starts upstream's programs, each in a process of its own, and waits until the server is ready. They end with the
// test; what they said is shown when it failed.
func StartPlain(t testing.TB, program Program) *Plain {
	t.Helper()
	etcd := StartPlainEtcd(t, program, filepath.Join(shortDir(t), "etcd"))
	return StartPlainServer(t, program, etcd.Endpoint)
}

// PlainEtcd is upstream's etcd.
type PlainEtcd struct {
	// Endpoint is where it answers.
	Endpoint string
	// Stop ends it before the test does.
	Stop func()
}

// StartPlainEtcd starts upstream's etcd on a data directory.
func StartPlainEtcd(t testing.TB, program Program, dataDir string) *PlainEtcd {
	t.Helper()
	dir := shortDir(t)
	endpoint := "unix://" + filepath.Join(dir, "etcd.sock")
	stop := run(t, program, "etcd", "--data-dir", dataDir, "--unsafe-no-fsync", "--log-level=error",
		"--listen-client-urls", endpoint, "--advertise-client-urls", endpoint, "--listen-peer-urls", "unix://"+filepath.Join(dir, "peer.sock"))
	return &PlainEtcd{Endpoint: endpoint, Stop: stop}
}

// StartPlainServer starts upstream's kube-apiserver on an etcd, with more flags than it has anyway, and waits until it is ready.
func StartPlainServer(t testing.TB, program Program, etcd string, flags ...string) *Plain {
	t.Helper()
	dir := shortDir(t)
	port, key := reservePort(t), writeKey(t, dir)
	tokens := filepath.Join(dir, "tokens.csv")
	write(t, tokens, []byte(adminToken+`,admin,admin,"system:masters"`+"\n"))
	stop := run(t, program, append([]string{
		"kube-apiserver", "--etcd-servers", etcd, "--bind-address=127.0.0.1", "--secure-port", port, "--permit-port-sharing",
		"--cert-dir", filepath.Join(dir, "certs"), "--token-auth-file", tokens, "--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file", key,
		"--service-account-signing-key-file", key, "--service-cluster-ip-range=10.90.0.0/16", "--endpoint-reconciler-type=none",
	}, flags...)...)

	p := &Plain{
		Config:     &rest.Config{Host: "https://127.0.0.1:" + port, BearerToken: adminToken, QPS: -1},
		Kubeconfig: filepath.Join(dir, "kubeconfig"),
		Stop:       stop,
	}
	p.Config.CAFile = filepath.Join(dir, "certs", "apiserver.crt") // it signs for itself
	await.Until(t, "the plain API server to be ready", func() (string, bool) { return ready(t.Context(), p.Config) })
	p.writeKubeconfig(t)
	return p
}

func (p *Plain) writeKubeconfig(t testing.TB) {
	t.Helper()
	config := clientcmdapi.NewConfig()
	config.Clusters["plain"] = &clientcmdapi.Cluster{Server: p.Config.Host, CertificateAuthority: p.Config.CAFile}
	config.AuthInfos["admin"] = &clientcmdapi.AuthInfo{Token: p.Config.BearerToken}
	config.Contexts["plain"] = &clientcmdapi.Context{Cluster: "plain", AuthInfo: "admin"}
	config.CurrentContext = "plain"
	if err := clientcmd.WriteToFile(*config, p.Kubeconfig); err != nil {
		t.Fatal(err)
	}
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

// run runs a program until the test ends, or it is stopped.
func run(t testing.TB, program Program, args ...string) (stop func()) {
	t.Helper()
	var said bytes.Buffer
	command := program(args...)
	command.Stdout, command.Stderr = &said, &said
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		if err := command.Process.Signal(syscall.SIGTERM); err != nil {
			t.Logf("ending %s: %v", args[0], err)
		}
		err := command.Wait()
		if t.Failed() {
			lines := strings.Split(strings.TrimSpace(said.String()), "\n")
			t.Logf("%s ended with %v and said at last:\n%s", args[0], err, strings.Join(lines[max(0, len(lines)-20):], "\n"))
		}
	})
	t.Cleanup(stop)
	return stop
}

// writeKey writes the key that service account tokens are signed with.
func writeKey(t testing.TB, dir string) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "sa.key")
	write(t, path, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	return path
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// shortDir is a directory whose path leaves room for the name of a socket.
func shortDir(t testing.TB) string {
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
func reservePort(t testing.TB) string {
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
