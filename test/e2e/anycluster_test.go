package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/orrery-dev/orrery/apiserver/testserver"
	"github.com/orrery-dev/orrery/internal/await"
)

// cluster is a plain API server, which knows nothing of us until our definitions are installed.
type cluster struct {
	*plane
	kubeconfig string
}

// newCluster starts etcd and kube-apiserver, as upstream has them.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	plain := testserver.StartPlain(t, func(args ...string) *exec.Cmd { return exec.Command(binary, args...) })
	return &cluster{plane: &plane{t: t, dir: t.TempDir(), name: "unused"}, kubeconfig: plain.Kubeconfig}
}

// A Deployment of ours on an API server that knows nothing of us.
func TestADeploymentAsACustomResourceOnAnyCluster(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.install()
	c.run("manager", "--kubeconfig", c.kubeconfig, "--scheduler", "--simulated-nodes", "2", "--cluster-loops")

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
	await.Until(c.t, resource+" "+which+" "+path+" to be "+strconv.Quote(want), func() (string, bool) {
		out, err := look(c.kubeconfig, resource, which, "-o", "jsonpath="+path)
		return out + fmt.Sprint(err), err == nil && out == want
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

// run starts one of the program's commands, which ends with the test, or when it is stopped. What it said is shown when the test failed.
func (c *cluster) run(args ...string) (stop func()) {
	c.t.Helper()
	var said bytes.Buffer
	command := exec.Command(binary, args...)
	command.Stdout, command.Stderr = &said, &said
	command.Env = append(os.Environ(), "KUBECONFIG="+c.kubeconfig)
	if err := command.Start(); err != nil {
		c.t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		if err := command.Process.Signal(syscall.SIGTERM); err != nil {
			c.t.Logf("ending %s: %v", args[0], err)
		}
		err := command.Wait()
		if c.t.Failed() {
			c.t.Logf("%s ended with %v and said:\n%s", args[0], err, tail(said.String(), 40))
		}
	})
	c.t.Cleanup(stop)
	return stop
}

func (c *cluster) file(name, content string) string {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

func (c *cluster) read(path string) string {
	c.t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(content)
}

func tail(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
