package scaffold

import (
	"flag"
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
			checkGolden(t, filepath.Join("testdata", name+".diff"), otherThan(theirs, ours))
		})
	}
}

// otherThan is the difference of two projects. Of a file that only the first has, and of a page of text, the name is enough.
func otherThan(theirs, ours tree.Tree) string {
	var text strings.Builder
	for _, change := range tree.Compare(theirs, ours) {
		switch {
		case change.Action() == tree.Delete:
			text.WriteString("only in kubebuilder's: " + change.Path + "\n")
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

// Whoever goes on with kubebuilder finds all that its plugins look for, and what they do not know stays.
func TestKubebuilderGoesOnWorkingInAProject(t *testing.T) {
	dir := newProject(t)
	do(t, dir, CreateAPI(), kind("Website")...)
	room := read(t, dir)["internal/controller/website/plan.go"]
	do(t, dir, kubebuilderCreateAPI(), kind("Page", "--resource", "--controller")...)
	do(t, dir, kubebuilderCreateWebhook(), kind("Website", "--programmatic-validation")...)

	files := read(t, dir)
	for path, want := range map[string]string{
		"cmd/main.go":                            "controller.PageReconciler{",
		"internal/controller/suite_test.go":      "package controller",
		"internal/webhook/v1/website_webhook.go": "ValidateCreate",
		"PROJECT":                                "  " + Key + ": {}\n",
	} {
		if !strings.Contains(files[path].Content, want) {
			t.Errorf("%s does not say %q:\n%s", path, want, files[path].Content)
		}
	}
	if !strings.Contains(files["cmd/main.go"].Content, "websitecontroller.Loop()") || files["internal/controller/website/plan.go"] != room {
		t.Error("the loop that was there is not as it was")
	}

	do(t, dir, CreateAPI(), kind("Post")...)
	if !strings.Contains(read(t, dir)["cmd/main.go"].Content, "postcontroller.Loop()") {
		t.Error("afterwards, we cannot add a loop")
	}
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
