package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// chart is the chart under test.
var chart = filepath.Join(root, "charts", "orrery")

// helm is a version of Helm, as a person has it.
type helm struct {
	binary string
	// kubeconfig is the cluster that it acts on; empty for none.
	kubeconfig string
	home       string
}

// eachHelm runs a test with either version of Helm.
func eachHelm(t *testing.T, run func(*testing.T, helm)) {
	for _, version := range []string{"v4", "v3"} {
		t.Run("Helm "+version, func(t *testing.T) { run(t, newHelm(t, version)) })
	}
}

// binaries are where each version of Helm is.
var binaries = map[string]func() (string, error){"v4": built("v4"), "v3": built("v3")}

// built has Go build a version of Helm, unless it has one, and say where it is.
func built(version string) func() (string, error) {
	return sync.OnceValues(func() (string, error) {
		out, err := exec.Command("go", "tool", "-n", "helm.sh/helm/"+version+"/cmd/helm").Output()
		return strings.TrimSpace(string(out)), err
	})
}

func newHelm(t *testing.T, version string) helm {
	t.Helper()
	binary, err := binaries[version]()
	if err != nil {
		t.Fatalf("building Helm %s: %v", version, err)
	}
	return helm{binary: binary, home: t.TempDir()}
}

// on is this Helm on a cluster.
func (h helm) on(kubeconfig string) helm {
	h.kubeconfig = kubeconfig
	return h
}

func (h helm) try(args ...string) (string, error) {
	var out, said bytes.Buffer
	command := exec.Command(h.binary, args...)
	command.Stdout, command.Stderr = &out, &said
	command.Env = append(os.Environ(), "KUBECONFIG="+h.kubeconfig, "HELM_NAMESPACE="+namespace,
		"HELM_CACHE_HOME="+h.home, "HELM_CONFIG_HOME="+h.home, "HELM_DATA_HOME="+h.home)
	if err := command.Run(); err != nil {
		return out.String(), fmt.Errorf("helm %s: %w\n%s%s", strings.Join(args, " "), err, out.String(), said.String())
	}
	return out.String(), nil
}

// run runs Helm, which has to succeed, and returns what it printed.
func (h helm) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := h.try(args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// namespace is where the tests install the release, which has the name of the chart.
const namespace = "orrery-system"

// patience is how long a test waits for anything.
const patience = 3 * time.Minute

// becomes waits until a condition holds, and says what was seen last where it does not.
func becomes(t *testing.T, what string, condition func() (string, bool)) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		seen, ok := condition()
		if ok {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("waiting for %s: seen last: %s", what, seen)
		case <-tick.C:
		}
	}
}
