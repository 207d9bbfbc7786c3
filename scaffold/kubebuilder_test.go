package scaffold

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/scaffold/tree"
	"golang.org/x/mod/modfile"
	"sigs.k8s.io/kubebuilder/v4/pkg/config"
	"sigs.k8s.io/kubebuilder/v4/pkg/plugin"
	kustomizev2 "sigs.k8s.io/kubebuilder/v4/pkg/plugins/common/kustomize/v2"
	golangv4 "sigs.k8s.io/kubebuilder/v4/pkg/plugins/golang/v4"
)

var update = flag.Bool("update", false, "write the golden files anew")

// plainly are kubebuilder's plugins without ours, as its own command runs them, but for what comes after scaffolding.
type plainly struct{ parts }

func (p *plainly) UpdateMetadata(cli plugin.CLIMetadata, _ *plugin.SubcommandMetadata) { p.tell(cli) }

func (p *plainly) InjectConfig(c config.Config) error {
	if len(c.GetPluginChain()) == 0 {
		if err := c.SetPluginChain([]string{Layout}); err != nil {
			return err
		}
		if err := c.SetCliVersion(KubebuilderVersion); err != nil {
			return err
		}
	}
	return p.parts.InjectConfig(c)
}

func kubebuilderInit() Command {
	return &command{makes: true, sub: &plainly{partsOf(kustomizev2.Plugin{}.GetInitSubcommand(), golangv4.Plugin{}.GetInitSubcommand())}}
}

func kubebuilderCreateAPI() Command {
	return &command{sub: &plainly{partsOf(kustomizev2.Plugin{}.GetCreateAPISubcommand(), golangv4.Plugin{}.GetCreateAPISubcommand())}}
}

func kubebuilderCreateWebhook() Command {
	return &command{sub: &plainly{partsOf(kustomizev2.Plugin{}.GetCreateWebhookSubcommand(), golangv4.Plugin{}.GetCreateWebhookSubcommand())}}
}

// kubebuilders is a project as kubebuilder makes it, with the kind Website and webhooks for it.
func kubebuilders(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "website")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	do(t, dir, kubebuilderInit(), "--domain", "example.org", "--repo", "example.org/website", "--project-name", "website", "--license", "none", "--fetch-deps=false")
	do(t, dir, kubebuilderCreateAPI(), kind("Website", "--resource", "--controller")...)
	do(t, dir, kubebuilderCreateWebhook(), kind("Website", "--defaulting")...)
	return dir
}

// The golden file is all that is different from kubebuilder's own project, and nothing else is.
func TestWhatIsOtherThanInKubebuildersOwnProject(t *testing.T) {
	for _, name := range []string{"rooms", "plain"} {
		t.Run(name, func(t *testing.T) {
			dir := newProject(t, "--plain="+map[string]string{"rooms": "false", "plain": "true"}[name])
			do(t, dir, CreateAPI(), kind("Website")...)
			do(t, dir, CreateWebhook(), kind("Website", "--defaulting")...)
			ours, theirs := read(t, dir), read(t, kubebuilders(t))
			for _, versions := range []string{"go.mod", "go.sum"} { // they are as the checkout has them
				delete(ours, versions)
				delete(theirs, versions)
			}
			checkGolden(t, filepath.Join("testdata", name+".diff"), otherThan(t, theirs, ours))
		})
	}
}

// reasons are why files are other than kubebuilder's: the first of them whose pattern the path matches.
var reasons = []struct{ pattern, why string }{
	{"Makefile", "make test downloads nothing but Go modules: the suites need no programs, and controller-gen is the one that go.mod pins"},
	{"PROJECT", "what our plugin remembers is under its key, which kubebuilder keeps"},
	{"AGENTS.md", "it tells of rooms, plans and looptest"},
	{"README.md", "it tells which commands run the project on a control plane of ours"},
	{".orrery/*", "it holds what was scaffolded, so that update can tell what was edited"},
	{"cmd/main.go", "it adds a loop to the manager in place of a reconciler"},
	{"config/samples/*", "an API server takes the sample as it is: a spec that holds a comment alone is null"},
	{"internal/controller/website/*", "the loop has a room"},
	{"internal/controller/website_controller*.go", "the loop has a room"},
	{"internal/controller/suite_test.go", "the suite runs on our envtest, in the room where there is one"},
	{"internal/webhook/v1/webhook_suite_test.go", "the suite runs on our envtest"},
}

func reasonFor(t *testing.T, path string) string {
	t.Helper()
	for _, r := range reasons {
		if matches, err := filepath.Match(r.pattern, path); err != nil {
			t.Fatal(err)
		} else if matches {
			return r.why
		}
	}
	t.Errorf("%s is other than kubebuilder's, and there is no reason for it", path)
	return ""
}

// otherThan is the difference of two projects, with the reason before each file. Of a file that only the first has, of a page of text
// and of the record the name is enough.
func otherThan(t *testing.T, theirs, ours tree.Tree) string {
	t.Helper()
	var text strings.Builder
	for _, change := range tree.Compare(theirs, ours) {
		text.WriteString("# " + reasonFor(t, change.Path) + "\n")
		switch {
		case change.Action() == tree.Delete:
			text.WriteString("only in kubebuilder's: " + change.Path + "\n")
		case change.Path == recordFile:
			text.WriteString("only in ours: " + change.Path + "\n")
		case filepath.Ext(change.Path) == ".md":
			text.WriteString("another text: " + change.Path + "\n")
		default:
			text.WriteString(tree.Changes{change}.Diff())
		}
	}
	return text.String()
}

func checkGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s differs (-want +got); if that is right, go test ./scaffold -update writes it:\n%s", path, diff)
	}
}

// kubebuilder is the program, built from its module.
func kubebuilder(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "kubebuilder")
	in(t, checkout, "go", "build", "-o", program, "sigs.k8s.io/kubebuilder/v4")
	return program
}

// Whoever goes on with kubebuilder finds all that its plugins look for, what they do not know stays, and all of it compiles.
func TestKubebuilderGoesOnWorkingInAProject(t *testing.T) {
	program := kubebuilder(t)
	dir := newProject(t)
	do(t, dir, CreateAPI(), kind("Website")...)
	room := read(t, dir)["internal/controller/website/plan.go"]
	in(t, dir, append([]string{program, "create", "api"}, kind("Page", "--resource", "--controller")...)...)
	in(t, dir, append([]string{program, "create", "webhook"}, kind("Website", "--defaulting", "--programmatic-validation")...)...)
	in(t, dir, program, "edit", "--multigroup")
	in(t, dir, program, "create", "api", "--group", "shop", "--version", "v1", "--kind", "Cart", "--resource", "--controller", "--make=false")

	files := read(t, dir)
	for path, want := range map[string]string{
		"cmd/main.go":                                 "controller.PageReconciler{",
		"internal/controller/suite_test.go":           "package controller",
		"internal/webhook/v1/website_webhook.go":      "ValidateCreate",
		"internal/controller/shop/cart_controller.go": "CartReconciler",
		"PROJECT": "  " + Key + ": {}\n",
	} {
		if !strings.Contains(files[path].Content, want) {
			t.Errorf("%s does not say %q:\n%s", path, want, files[path].Content)
		}
	}
	if !strings.Contains(files["cmd/main.go"].Content, "websitecontroller.Loop()") || files["internal/controller/website/plan.go"] != room {
		t.Error("the loop that was there is not as it was")
	}

	do(t, dir, CreateAPI(), "--group", "shop", "--version", "v1", "--kind", "Post", "--make=false")
	if !strings.Contains(read(t, dir)["cmd/main.go"].Content, "shoppostcontroller.Loop()") {
		t.Error("afterwards, we cannot add a loop")
	}
	compiles(t, dir)
}

// compiles has a project compiled, its tests too, once its deep copies are there, and nothing linked. The checkout is a module of the same workspace: so
// its packages need not be compiled once more as those of a dependency.
func compiles(t *testing.T, dir string) {
	t.Helper()
	in(t, dir, "go", "tool", "controller-gen", "object", "paths=./api/...")
	workspace := filepath.Join(t.TempDir(), "go.work")
	text := fmt.Sprintf("go 1.26.0\n\ngodebug default=go1.26\n\nuse (\n\t%s\n\t%s\n)\n", dir, absolute(t, checkout))
	if err := os.WriteFile(workspace, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	in(t, dir, "env", "GOWORK="+workspace, "go", "list", "-export", "-test", "-f", "{{.Export}}", "./...")
}

func TestAProjectThatKubebuilderMadeCanGetLoops(t *testing.T) {
	t.Setenv("ORRERY_SOURCE", absolute(t, checkout))
	dir := kubebuilders(t)
	do(t, dir, CreateAPI(), kind("Page")...)
	files := read(t, dir)
	if !strings.Contains(files["cmd/main.go"].Content, "pagecontroller.Loop()") || !strings.Contains(files["go.mod"].Content, orrery+" => ") {
		t.Error("cmd/main.go or go.mod do not speak of the loop")
	}
}

func TestTheVersionOfKubebuilderIsThatOfGoMod(t *testing.T) {
	text, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := modfile.Parse("go.mod", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range mod.Require {
		if r.Mod.Path == "sigs.k8s.io/kubebuilder/v4" && r.Mod.Version != "v"+KubebuilderVersion {
			t.Errorf("KubebuilderVersion is %s, and go.mod requires %s", KubebuilderVersion, r.Mod.Version)
		}
	}
}
