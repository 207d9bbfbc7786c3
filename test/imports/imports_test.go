package imports

import (
	"strings"
	"testing"
)

func TestTheModuleKeepsTheRules(t *testing.T) {
	packages, err := List("../..")
	if err != nil {
		t.Fatal(err)
	}
	if len(packages) < 10 {
		t.Fatalf("go list found only %d packages", len(packages))
	}
	for _, violation := range Check(packages) {
		t.Error(violation)
	}
}

func TestEachRuleSeesItsViolation(t *testing.T) {
	for _, c := range []struct {
		from, to string
		// wrong is a part of the sentence, or empty where the import is allowed.
		wrong string
	}{
		{"apis/apps/v1", "k8s.io/api/apps/v1", ""},
		{"apis/apps/v1", "k8s.io/apimachinery/pkg/runtime", ""},
		{"apis", "apis/apps/v1", ""},
		{"apis/apps/v1", "k8s.io/apiextensions-apiserver/pkg/apis", "apis may import"},
		{"apis/apps/v1", "k8s.io/client-go/rest", "apis may import"},
		{"apis", "framework/naming", "apis may import"},

		{"framework/engine", "framework/queue", ""},
		{"framework/engine", "k8s.io/client-go/util/workqueue", "framework/engine and its queue know no kind"},
		{"framework/queue", "framework/activity", "framework/engine and its queue know no kind"},
		{"framework/engine", "k8s.io/apimachinery/pkg/types", "framework/engine and its queue know no kind"},
		{"framework/engine", "sigs.k8s.io/controller-runtime/pkg/client", "framework/engine and its queue know no kind"},
		{"framework/engine", "framework/plan", "framework/engine and its queue know no kind"},

		{"framework/loop", "framework/plan", ""},
		{"framework/loop", "sigs.k8s.io/controller-runtime", ""},
		{"framework/loop", "k8s.io/api/core/v1", ""},
		{"framework/loop", "k8s.io/api/apps/v1", "framework may import"},
		{"framework/naming", "k8s.io/api/policy/v1", ""},
		{"framework/loop", "k8s.io/api/policy/v1", "framework may import"},
		{"framework/loop", "apis/core/v1", "framework may import"},
		{"framework/loop", "controllers/internal/pods", "framework may import"},

		{"controllers/apps/deployment", "apis/apps/v1", ""},
		{"controllers/apps/deployment", "framework/loop", ""},
		{"controllers/apps/deployment", "controllers/internal/pods", ""},
		{"controllers/apps/deployment/rolling", "controllers/apps/deployment/surge", ""},
		{"controllers/apps/deployment", "controllers/apps/replicaset", "no other room"},
		{"controllers/apps/deployment", "controllers/apps/deploymentplan", "no other room"},
		{"controllers/apps/deployment", "scheduler/queue", "no other room"},
		{"controllers/apps/deployment", "internal/cli", "only main"},
		{"controllers", "controllers/apps/deployment", ""},
		{"controllers", "nodeagent", "controllers together"},
		{"controllers/internal/pods", "apiserver", "controllers together"},

		{"resourcemetrics/api", "resourcemetrics", ""},
		{"resourcemetrics", "nodeagent/server", "resourcemetrics may import"},
		{"storage/provisioner", "storage/driver", ""},
		{"storage/provisioner", "nodeagent/csi", "storage may import"},
		{"scheduler/cycle", "scheduler/queue", ""},
		{"scheduler", "nodeagent/pods", "scheduler may import"},
		{"nodeagent/pods", "network/proxy", "nodeagent may import"},
		{"network/proxy", "scheduler", "network may import"},
		{"scheduler/plugins/fit", "scheduler/plugins/fit/scorer", ""},
		{"scheduler/plugins", "scheduler/plugins/fit", ""},
		{"scheduler/plugins/fit", "scheduler/plugins/fitness", "another plugin"},
		{"scheduler/plugins/fit", "scheduler/plugins/ports", "another plugin"},

		{"apiserver", "k8s.io/kubernetes/cmd/kube-apiserver/app", ""},
		{"webhooks/apps", "k8s.io/kubernetes/pkg/apis/apps", ""},
		{"scheduler", "k8s.io/kubernetes/pkg/scheduler", "only apiserver and webhooks"},
		{"internal/cli", "k8s.io/kubernetes/pkg/apis/core", "only apiserver and webhooks"},
		{"internal/cli", "apiserver", ""},
		{".", "internal/cli", ""},
		{"envtest", "internal/cli", "only main"},

		{"internal/cli", "internal/wiring", ""},
		{"envtest", "internal/wiring", ""},
		{"nodeagent", "internal/wiring", "only internal/cli and envtest"},
		{"internal/wiring", "controllers", ""},
		{"internal/wiring", "scheduler", ""},
		{"internal/wiring", "envtest", "who uses it"},
		{"internal/wiring", "internal/cli", "who uses it"},
		{"internal/cli", "controllers", "only internal/wiring"},
		{"envtest", "controllers", "only internal/wiring"},
		{"envtest", "envtest/rbac", ""},
		{"envtest/rbac", "sigs.k8s.io/controller-tools/pkg/rbac", ""},
		{"envtest/rbac", "envtest", "nothing of ours"},
		{"apiserver/testserver", "internal/await", ""},
		{"internal/cli", "internal/await", "is for tests"},
	} {
		p := Package{Path: importPath(c.from), Imports: []Import{{Path: importPath(c.to)}}}
		found := strings.Join(Check([]Package{p}), "\n")
		if c.wrong == "" && found != "" || !strings.Contains(found, c.wrong) {
			t.Errorf("%s imports %s: got %q, want %q", c.from, c.to, found, c.wrong)
		}
	}
}

func TestTheStandardLibraryIsFree(t *testing.T) {
	p := Package{Path: importPath("apis"), Imports: []Import{{Path: "fmt", Standard: true}}}
	if found := Check([]Package{p}); len(found) > 0 {
		t.Error(found)
	}
}

func TestNobodyReachesKubernetesByADetour(t *testing.T) {
	for room, allowed := range map[string]bool{
		"framework/loop": false, "scaffold": false, "nodeagent": false, "envtest/rbac": false,
		"envtest": true, "internal/cli": true, "internal/wiring": true, ".": true,
	} {
		p := Package{Path: importPath(room), Reaches: []string{"fmt", "k8s.io/kubernetes/pkg/features"}}
		if found := Check([]Package{p}); (len(found) == 0) != allowed {
			t.Errorf("%s: allowed is %t, found %v", room, allowed, found)
		}
	}
}

func TestVagueNamesAreRefused(t *testing.T) {
	for name, refused := range map[string]bool{"nodeagent/util": true, "scheduler/common": true, "nodeagent/volumes": false} {
		if found := Check([]Package{{Path: importPath(name)}}); (len(found) > 0) != refused {
			t.Errorf("%s: refused is %t, found %v", name, refused, found)
		}
	}
}

// importPath returns the import path of a room; a path of another module is returned as it is.
func importPath(room string) string {
	switch {
	case room == ".":
		return Module
	case strings.HasPrefix(room, "k8s.io/"), strings.HasPrefix(room, "sigs.k8s.io/"):
		return room
	}
	return Module + "/" + room
}
