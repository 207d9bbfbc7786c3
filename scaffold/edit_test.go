package scaffold

import (
	"strings"
	"testing"
)

func TestEditChangesWhatIsCreatedAfterwards(t *testing.T) {
	dir := newProject(t)
	do(t, dir, Edit(), "--multigroup", "--plain")
	do(t, dir, CreateAPI(), kind("Website")...)
	files := read(t, dir)
	for _, path := range []string{"api/web/v1/website_types.go", "internal/controller/web/website_controller.go"} {
		if _, found := files[path]; !found {
			t.Errorf("in a project of several groups with kubebuilder's controllers there is no %s", path)
		}
	}
	if text := files["internal/controller/web/suite_test.go"].Content; !strings.Contains(text, orrery+"/envtest") {
		t.Errorf("the suite does not run on our envtest:\n%s", text)
	}

	do(t, dir, Edit(), "--plain=false", "--namespaced", "--force")
	do(t, dir, CreateAPI(), "--group", "shop", "--version", "v1", "--kind", "Cart", "--make=false")
	files = read(t, dir)
	if text := files["internal/controller/shop/cart/controller.go"].Content; !strings.Contains(text, "namespace=website-system") {
		t.Errorf("the loop of a project for some namespaces has rights everywhere:\n%s", text)
	}
	if text := files["config/manager/manager.yaml"].Content; !strings.Contains(text, "WATCH_NAMESPACE") {
		t.Errorf("the manager watches all namespaces:\n%s", text)
	}
	if text := files["cmd/main.go"].Content; !strings.Contains(text, "webcontroller") || !strings.Contains(text, "shopcartcontroller.Loop()") {
		t.Errorf("the manager does not run both:\n%s", text)
	}
}

func TestEachChoiceOfCreateAPI(t *testing.T) {
	for _, test := range []struct {
		name          string
		args          []string
		there, absent []string
		main          string
	}{
		{"a kind without a loop", kind("Website", "--controller=false"), []string{"api/v1/website_types.go"}, []string{"internal/controller/website/doc.go"}, "webv1.AddToScheme(scheme)"},
		{"a loop over a kind of Kubernetes'", []string{"--group", "apps", "--version", "v1", "--kind", "Deployment", "--resource=false", "--make=false"},
			[]string{"internal/controller/deployment/plan.go"}, []string{"api/apps/v1/deployment_types.go", "internal/controller/deployment/status.go"}, "deploymentcontroller.Loop()"},
		{"a loop with a name of its own", kind("Website", "--controller-name", "site-certificates"),
			[]string{"internal/controller/sitecertificates/plan.go"}, []string{"internal/controller/website/plan.go"}, `"loop", "site-certificates-controller"`},
		{"a kind whose name is a word of Go", kind("Map"), []string{"internal/controller/map/plan.go"}, nil, "mapcontroller.Loop()"},
		{"a kind without namespaces", kind("Website", "--namespaced=false"), []string{"internal/controller/website/suite_test.go"}, nil, "websitecontroller.Loop()"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := newProject(t)
			do(t, dir, CreateAPI(), test.args...)
			files := read(t, dir)
			for _, path := range test.there {
				if _, found := files[path]; !found {
					t.Errorf("there is no %s", path)
				}
			}
			for _, path := range test.absent {
				if _, found := files[path]; found {
					t.Errorf("there is %s", path)
				}
			}
			if text := files["cmd/main.go"].Content; !strings.Contains(text, test.main) {
				t.Errorf("cmd/main.go does not say %s:\n%s", test.main, text)
			}
		})
	}
}
