package e2e

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// cluster is a plain upstream API server, which knows nothing of us: two processes, etcd and kube-apiserver.
type cluster struct {
	*plane
	kubeconfig string
}

// newCluster starts etcd and kube-apiserver, as upstream has them, and installs our definitions.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	dir := t.TempDir()
	c := &cluster{plane: &plane{t: t, dir: dir, name: "unused"}, kubeconfig: filepath.Join(dir, "kubeconfig")}
	etcd := "http://127.0.0.1:" + freePort(t)
	c.run("etcd", "--data-dir", filepath.Join(dir, "etcd"), "--unsafe-no-fsync", "--log-level=error",
		"--listen-client-urls", etcd, "--advertise-client-urls", etcd, "--listen-peer-urls", "http://127.0.0.1:"+freePort(t))

	port := freePort(t)
	tokens := c.file("tokens.csv", `secret,admin,admin,"system:masters"`+"\n")
	key := filepath.Join(dir, "sa.key")
	if out, err := exec.Command("openssl", "genrsa", "-out", key, "2048").CombinedOutput(); err != nil {
		t.Fatalf("making a key: %v\n%s", err, out)
	}
	c.run("kube-apiserver", "--etcd-servers", etcd, "--bind-address=127.0.0.1", "--secure-port", port,
		"--cert-dir", filepath.Join(dir, "certs"), "--token-auth-file", tokens, "--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file", key,
		"--service-account-signing-key-file", key, "--service-cluster-ip-range=10.90.0.0/16", "--endpoint-reconciler-type=none")
	c.kubeconfig = c.file("kubeconfig", `
apiVersion: v1
kind: Config
current-context: plain
clusters: [{name: plain, cluster: {server: "https://127.0.0.1:`+port+`", insecure-skip-tls-verify: true}}]
users: [{name: admin, user: {token: secret}}]
contexts: [{name: plain, context: {cluster: plain, user: admin}}]
`)
	c.eventually("the plain API server to be ready", func() (string, bool) {
		out, err := c.tryOn("kubectl", "get", "--raw", "/readyz")
		return out, err == nil
	})
	return c
}

// A Deployment of ours on an API server that knows nothing of us.
func TestADeploymentAsACustomResourceOnAnyCluster(t *testing.T) {
	c := newCluster(t)
	c.on("kubectl", "apply", "--server-side", "-k", "../../config/crd")
	c.on("kubectl", "wait", "--for=condition=Established", "--timeout=1m", "crd", "--all")
	c.run("manager", "--kubeconfig", c.kubeconfig, "--scheduler", "--simulated-nodes", "2")

	manifest := c.file("web.yaml", strings.Replace(webDeployment("1"), "apiVersion: apps/v1", "apiVersion: apps.orrery.dev/v1", 1))
	c.on("kubectl", "apply", "--server-side", "-f", manifest)
	c.shows("4", "deployments.apps.orrery.dev", "web", "{.status.availableReplicas}")
	c.shows("1", "replicasets.apps.orrery.dev", "-lapp=web", "{.items[*].metadata.annotations.deployment\\.kubernetes\\.io/revision}")
	c.shows("Running Running Running Running", "pods.core.orrery.dev", "-lapp=web", "{.items[*].status.phase}")

	c.on("kubectl", "scale", "deployments.apps.orrery.dev/web", "--replicas=2")
	c.shows("2", "deployments.apps.orrery.dev", "web", "{.status.availableReplicas}")
	c.on("kubectl", "delete", "deployments.apps.orrery.dev/web")
	c.shows("", "pods.core.orrery.dev", "-lapp=web", "{.items[*].metadata.name}")
}

// shows waits until kubectl's jsonpath of a resource prints a value.
func (c *cluster) shows(want, resource, which, path string) {
	c.t.Helper()
	c.eventually(resource+" "+which+" "+path+" to be "+strconv.Quote(want), func() (string, bool) {
		out, err := c.tryOn("kubectl", "get", resource, which, "-o", "jsonpath="+path)
		return out, err == nil && out == want
	})
}

// on runs the program on the cluster; it has to succeed.
func (c *cluster) on(args ...string) string {
	c.t.Helper()
	out, err := c.tryOn(args...)
	if err != nil {
		c.t.Fatalf("orrery %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (c *cluster) tryOn(args ...string) (string, error) {
	command := exec.Command(binary, args...)
	command.Env = append(os.Environ(), "KUBECONFIG="+c.kubeconfig)
	out, err := command.CombinedOutput()
	return string(out), err
}

// run starts one of the program's commands, which ends with the test. What it said is shown when the test failed.
func (c *cluster) run(args ...string) {
	c.t.Helper()
	var said bytes.Buffer
	command := exec.Command(binary, args...)
	command.Stdout, command.Stderr = &said, &said
	command.Env = append(os.Environ(), "KUBECONFIG="+c.kubeconfig)
	if err := command.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		if err := command.Process.Signal(syscall.SIGTERM); err != nil {
			c.t.Logf("ending %s: %v", args[0], err)
		}
		err := command.Wait()
		if c.t.Failed() {
			c.t.Logf("%s ended with %v and said:\n%s", args[0], err, tail(said.String(), 40))
		}
	})
}

func (c *cluster) file(name, content string) string {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

// freePort is a port that nobody listened on a moment ago: upstream's programs cannot be handed a listener.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

func tail(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
