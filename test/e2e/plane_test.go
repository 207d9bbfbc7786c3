package e2e

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/orrery-dev/orrery/internal/await"
)

// binary is the program under test.
var binary = func() string {
	path, err := filepath.Abs("../../bin/orrery")
	if err != nil {
		panic(err)
	}
	return path
}()

// dataDir has the instances of all tests, as that of a machine has: so none chooses a port or addresses that another one has, or will
// come back to.
var dataDir string

func TestMain(m *testing.M) {
	if _, err := os.Stat(binary); err != nil {
		fmt.Fprintf(os.Stderr, "there is no %s to test: run `make build` first\n", binary)
		os.Exit(1)
	}
	dir, err := os.MkdirTemp("", "orrery-e2e-")
	flag.Parse()
	if most := flag.Lookup("test.parallel"); err == nil && most.Value.String() == most.DefValue {
		err = most.Value.Set(strconv.Itoa(runtime.GOMAXPROCS(0) + 1)) // one of which may wait until no other runs containers
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	dataDir = dir
	code := m.Run()
	removeNewer()
	if err := os.Remove(dir); err != nil {
		fmt.Fprintln(os.Stderr, "the tests have left something behind:", err)
		code = 1
	}
	os.Exit(code)
}

// plane is a control plane of one test.
type plane struct {
	t    *testing.T
	dir  string
	name string
	// program is the one that its commands are given to; empty means the one under test.
	program string
}

// planes counts the control planes, each of which has a name of its own, which no other begins with.
var planes atomic.Int32

// newPlane is a control plane that has not been started. It is removed when the test ends.
func newPlane(t *testing.T) *plane {
	t.Helper()
	p := &plane{t: t, dir: dataDir, name: fmt.Sprintf("test-%03d", planes.Add(1))}
	t.Cleanup(func() {
		if t.Failed() {
			p.showAll()
		}
		p.orrery("down")
		p.orrery("reset", "--yes")
	})
	return p
}

// start starts a new control plane, and returns when it is ready.
func start(t *testing.T, flags ...string) *plane {
	t.Helper()
	p := newPlane(t)
	p.up(flags...)
	return p
}

func (p *plane) up(flags ...string) string {
	p.t.Helper()
	return p.orrery(append([]string{"up"}, flags...)...)
}

// command is the program with arguments, about this control plane.
func (p *plane) command(args ...string) *exec.Cmd {
	c := exec.Command(cmp.Or(p.program, binary), args...)
	c.Env = append(os.Environ(), "ORRERY_DATA_DIR="+p.dir, "ORRERY_NAME="+p.name, "KUBECONFIG=")
	return c
}

// orrery runs the program, which has to succeed, and returns what it printed.
func (p *plane) orrery(args ...string) string {
	p.t.Helper()
	out, err := p.try(args...)
	if err != nil {
		p.t.Fatalf("orrery %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// fails runs the program, which has to fail, and returns what it said.
func (p *plane) fails(args ...string) string {
	p.t.Helper()
	out, err := p.command(args...).CombinedOutput()
	if err == nil {
		p.t.Fatalf("orrery %s succeeded, and should not have:\n%s", strings.Join(args, " "), out)
	}
	return string(out)
}

// try runs the program, and returns what it printed and how it ended.
func (p *plane) try(args ...string) (string, error) {
	var out, said bytes.Buffer
	c := p.command(args...)
	c.Stdout, c.Stderr = &out, &said
	if err := c.Run(); err != nil {
		return out.String(), fmt.Errorf("%w\n%s%s", err, out.String(), said.String())
	}
	return out.String(), nil
}

// showAll shows how the control plane is, and what it said.
func (p *plane) showAll() {
	if _, err := p.try("status"); err == nil {
		p.show("status")
		p.show("kubectl", "get", "pods", "-A", "-o", "wide")
		p.show("kubectl", "get", "events", "-A")
	}
	p.show("logs", "--tail", "60")
}

func (p *plane) show(args ...string) {
	out, err := p.command(args...).CombinedOutput()
	p.t.Logf("orrery %s: %v\n%s", strings.Join(args, " "), err, out)
}

// kubectl runs the program's kubectl, which has to succeed.
func (p *plane) kubectl(args ...string) string {
	p.t.Helper()
	return p.orrery(append([]string{"kubectl"}, args...)...)
}

// get is what kubectl's jsonpath prints of a resource; empty where it does not exist or does not answer.
func (p *plane) get(resource, path string, args ...string) string {
	out, err := look(p.path("kubeconfig"), append([]string{resource, "-o", "jsonpath=" + path}, args...)...)
	if err != nil {
		return ""
	}
	return out
}

// apply applies a manifest.
func (p *plane) apply(manifest string) {
	p.t.Helper()
	file := filepath.Join(p.t.TempDir(), "manifest.yaml")
	if err := os.WriteFile(file, []byte(manifest), 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.kubectl("apply", "-f", file)
}

// rolledOut waits until a Deployment has rolled out.
func (p *plane) rolledOut(deployment string) {
	p.t.Helper()
	p.kubectl("rollout", "status", "deployment/"+deployment, "--timeout="+await.Deadline.String())
}

// becomes waits until kubectl's jsonpath of a resource prints a value.
func (p *plane) becomes(want, resource, path string, args ...string) {
	p.t.Helper()
	await.Until(p.t, fmt.Sprintf("%s %s of %s to be %q", resource, path, strings.Join(args, " "), want), func() (string, bool) {
		got := p.get(resource, path, args...)
		return got, got == want
	})
}

// containers is held by the test that runs any.
var containers sync.Mutex

// needsContainers leaves a test out where containers cannot run, and waits until no other test does: instances with containers can be
// on a machine side by side, but what a test finds there of networks, processes and mounts is to be its own.
func needsContainers(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("containers need root")
	}
	containers.Lock()
	t.Cleanup(containers.Unlock)
}
