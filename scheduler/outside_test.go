package scheduler_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

// TestThePluginFromOutside builds and runs the example of examples/scheduler-plugin, as a user would.
func TestThePluginFromOutside(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "scheduler-plugin")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./examples/scheduler-plugin")
	build.Dir = ".."
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the example: %v\n%s", err, output)
	}
	underBothNamings(t, func(t *testing.T, p *plane) {
		kubeconfig, err := p.server.Kubeconfig(p.identity(p.naming()), "test")
		if err != nil {
			t.Fatal(err)
		}
		access := filepath.Join(t.TempDir(), "kubeconfig")
		if err := os.WriteFile(access, kubeconfig, 0o600); err != nil {
			t.Fatal(err)
		}
		run := exec.Command(binary, "--kubeconfig", access, "--config", "../examples/scheduler-plugin/scheduler.yaml", "--naming", string(p.naming()))
		run.Stdout, run.Stderr = os.Stderr, os.Stderr
		if err := run.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := run.Process.Signal(syscall.SIGTERM); err != nil {
				t.Errorf("stopping the example: %v", err)
			}
			if err := run.Wait(); err != nil {
				t.Errorf("the example ended with: %v", err)
			}
		})
		p.priced("dear", "0.90")
		pod := p.pod("web", "100m", func(pod *ocorev1.Pod) { pod.Spec.SchedulerName = "thrifty" })
		p.eventuallyRefused(pod, "0/1 nodes are available: 1 node(s) cost more than 0.5 an hour.")
		p.priced("cheap", "0.10")
		p.eventuallyBound(pod, "cheap")
	})
}

// priced creates a node that has no room until its price is known.
func (p *plane) priced(name, price string) {
	p.t.Helper()
	node := p.node(name, "0")
	p.change(node, func() { node.Annotations = map[string]string{"example.com/price": price} })
	node.Status.Allocatable[corev1.ResourceCPU] = resource.MustParse("1")
	if err := p.client.Status().Update(p.t.Context(), node); err != nil {
		p.t.Fatal(err)
	}
}

// TestThePluginFromOutsideImportsNothingOfOurs holds what its README says.
func TestThePluginFromOutsideImportsNothingOfOurs(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "./examples/scheduler-plugin/price")
	list.Dir = ".."
	output, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dependency := range strings.Fields(string(output)) {
		if strings.HasPrefix(dependency, "github.com/orrery-dev/") && !strings.HasSuffix(dependency, "/price") {
			t.Errorf("the plugin imports %s", dependency)
		}
	}
}
