package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// program is the one that `make build` makes; it is upstream's etcd, kube-apiserver and kubectl too.
var program = func() string {
	path, err := filepath.Abs(filepath.Join(root, "bin", "orrery"))
	if err != nil {
		panic(err)
	}
	return path
}()

// needsProgram fails a test that cannot begin.
func needsProgram(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("there is no %s to test: run `make build` first", program)
	}
}

// cluster is how a test reaches a cluster.
type cluster struct{ kubeconfig string }

// newPlain starts upstream's etcd and kube-apiserver, the latter with further flags: a cluster that knows nothing of us, and has no controllers.
func newPlain(t *testing.T, flags ...string) cluster {
	t.Helper()
	needsProgram(t)
	dir, err := os.MkdirTemp("", "plain") //nolint:usetesting // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	etcd := "unix://" + filepath.Join(dir, "etcd.sock")
	start(t, "etcd", "--data-dir", filepath.Join(dir, "etcd"), "--unsafe-no-fsync", "--log-level=error",
		"--listen-client-urls", etcd, "--advertise-client-urls", etcd, "--listen-peer-urls", "unix://"+filepath.Join(dir, "peer.sock"))

	port, key, tokens := reservePort(t), filepath.Join(dir, "sa.key"), filepath.Join(dir, "tokens.csv")
	writeKey(t, key)
	writeFile(t, tokens, `secret,admin,admin,"system:masters"`)
	start(t, append([]string{"kube-apiserver", "--etcd-servers", etcd, "--bind-address=127.0.0.1", "--secure-port", port, "--permit-port-sharing",
		"--cert-dir", filepath.Join(dir, "certs"), "--token-auth-file", tokens, "--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file", key,
		"--service-account-signing-key-file", key, "--service-cluster-ip-range=10.90.0.0/16", "--endpoint-reconciler-type=none"}, flags...)...)

	c := cluster{kubeconfig: filepath.Join(dir, "kubeconfig")}
	writeFile(t, c.kubeconfig, fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: plain, cluster: {server: "https://127.0.0.1:%s", certificate-authority: %s}}]
users: [{name: admin, user: {token: secret}}]
contexts: [{name: plain, context: {cluster: plain, user: admin}}]
current-context: plain
`, port, filepath.Join(dir, "certs", "apiserver.crt")))
	becomes(t, "the plain API server to be ready", func() (string, bool) {
		out, err := c.try("", "get", "--raw", "/readyz")
		return out, err == nil
	})
	return c
}

// establishes waits until all kinds that have been defined are served. kubectl gives up on a definition that has no status yet.
func (c cluster) establishes(t *testing.T) {
	t.Helper()
	becomes(t, "all definitions to be established", func() (string, bool) {
		out, err := c.try("", "wait", "--for=condition=Established", "--timeout=10s", "crd", "--all")
		return out, err == nil
	})
}

// kubectl runs kubectl, which has to succeed, with something to read, and returns what it printed.
func (c cluster) kubectl(t *testing.T, in string, args ...string) string {
	t.Helper()
	out, err := c.try(in, args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (c cluster) try(in string, args ...string) (string, error) {
	command := exec.Command(program, append([]string{"kubectl"}, args...)...)
	command.Env = append(os.Environ(), "KUBECONFIG="+c.kubeconfig)
	command.Stdin = strings.NewReader(in)
	out, err := command.CombinedOutput()
	return string(out), err
}

// start starts one of the program's commands, which ends with the test. What it said is shown when the test failed.
func start(t *testing.T, args ...string) {
	t.Helper()
	var said bytes.Buffer
	command := exec.Command(program, args...)
	command.Stdout, command.Stderr = &said, &said
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM) // it may have ended
		err := command.Wait()
		if t.Failed() {
			lines := strings.Split(strings.TrimSpace(said.String()), "\n")
			t.Logf("%s ended with %v and said at last:\n%s", args[0], err, strings.Join(lines[max(0, len(lines)-20):], "\n"))
		}
	})
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// writeKey writes the key that tokens of service accounts are signed with.
func writeKey(t *testing.T, path string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})))
}

// reservePort is a port of 127.0.0.1 that nobody else gets until the test ends, but a server which permits sharing it.
func reservePort(t *testing.T) string {
	t.Helper()
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(socket) })
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

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
