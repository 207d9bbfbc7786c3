package imports

import (
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whoever writes a loop with framework compiles controller-runtime, and these modules besides: the API of OpenTelemetry, with what
// that brings along. Kubernetes' own code, etcd and containerd are not among them.
var (
	besides = []string{
		"github.com/go-logr/stdr",
		"go.opentelemetry.io/auto/sdk",
		"go.opentelemetry.io/otel",
		"go.opentelemetry.io/otel/metric",
		"go.opentelemetry.io/otel/trace",
	}
	// besidesInTests are for who imports looptest or enginetest.
	besidesInTests = []string{"github.com/google/go-cmp", "pgregory.net/rapid"}
)

func TestTheFrameworkBringsControllerRuntimeAndLittleElse(t *testing.T) {
	controllerRuntime := compiled(t, "sigs.k8s.io/controller-runtime")
	for name, c := range map[string]struct{ packages, want []string }{
		"the loops": {[]string{"framework/conditions", "framework/engine", "framework/loop", "framework/merge", "framework/naming", "framework/plan", "framework/queue"}, besides},
		"all of it": {[]string{"framework/..."}, slices.Sorted(slices.Values(slices.Concat(besides, besidesInTests)))},
	} {
		t.Run(name, func(t *testing.T) {
			var paths []string
			for _, room := range c.packages {
				paths = append(paths, importPath(room))
			}
			modules := compiled(t, paths...)
			delete(modules, Module)
			for known := range controllerRuntime {
				delete(modules, known)
			}
			if diff := cmp.Diff(c.want, slices.Sorted(maps.Keys(modules))); diff != "" {
				t.Errorf("modules besides controller-runtime's (-want +got):\n%s", diff)
			}
		})
	}
}

// A package of ours that the framework imports is one that its users compile: so there are none but its own.
func TestTheFrameworkImportsNothingElseOfOurs(t *testing.T) {
	for _, line := range list(t, "{{.ImportPath}}", importPath("framework/...")) {
		if room := within(line); strings.HasPrefix(line, Module+"/") && !strings.HasPrefix(room, "framework/") {
			t.Errorf("framework imports %s", room)
		}
	}
}

// compiled are the modules that packages of theirs are compiled of, for who imports these packages.
func compiled(t *testing.T, packages ...string) map[string]bool {
	t.Helper()
	modules := map[string]bool{}
	for _, module := range list(t, "{{with .Module}}{{.Path}}{{end}}", packages...) {
		if module != "" {
			modules[module] = true
		}
	}
	return modules
}

// list is a line of a format for each of these packages, and for each that they import, directly or not.
func list(t *testing.T, format string, packages ...string) []string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list", "-deps", "-f", format}, packages...)...).Output()
	if err != nil {
		t.Fatalf("listing what %v import: %v", packages, err)
	}
	return strings.Split(string(out), "\n")
}
