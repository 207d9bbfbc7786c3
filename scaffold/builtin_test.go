package scaffold

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/scaffold/tree"
)

// itself is a copy of this module, in which a kind can be added to it.
func itself(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "orrery")
	if err := read(t, checkout).Write(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// jobHistory are the flags of the kind that docs/adding-a-kind.md adds.
func jobHistory(args ...string) []string {
	return append([]string{"--group", "housekeeping", "--version", "v1", "--kind", "JobHistory", "--make=false"}, args...)
}

// in runs a command in a folder, as somebody would who has added something there.
func in(t *testing.T, dir string, command ...string) {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOPROXY=off") // nothing is downloaded
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, said)
	}
}

func TestAKindIsAddedToOrreryItself(t *testing.T) {
	dir := itself(t)
	before := read(t, dir)
	shown, err := try(t, dir, CreateAPI(), jobHistory()...)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, read(t, dir)); diff != "" {
		t.Fatalf("before anything is applied, the module has changed (-before +after):\n%s", diff)
	}
	result := do(t, dir, CreateAPI(), jobHistory()...)
	if shown.Changes.Diff() != result.Changes.Diff() {
		t.Error("what was done is not what was shown")
	}
	const room, api = "controllers/housekeeping/jobhistory/", "apis/housekeeping/v1/"
	want := map[string]tree.Action{
		"PROJECT": tree.Change, "apis/kinds.go": tree.Change, "controllers/controllers.go": tree.Change,
		"config/crd/kustomization.yaml": tree.Change, "config/samples/kustomization.yaml": tree.Change,
		"config/samples/housekeeping_v1_jobhistory.yaml": tree.Create,
		api + "doc.go": tree.Create, api + "groupversion_info.go": tree.Create, api + "jobhistory_types.go": tree.Create,
	}
	for _, file := range slices.Concat(files, []string{"status.go", "events.go"}) {
		want[room+file] = tree.Create
	}
	got := map[string]tree.Action{}
	for _, change := range result.Changes {
		got[change.Path] = change.Action()
		if change.Action() == tree.Change && strings.Contains(tree.Changes{change}.Diff(), "\n-") {
			t.Errorf("lines go from %s:\n%s", change.Path, tree.Changes{change}.Diff())
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what becomes of files (-want +got):\n%s", diff)
	}

	addsALoop(t, dir)

	in(t, dir, "go", "tool", "controller-gen", "object", "paths=./apis/housekeeping/...")
	in(t, dir, "go", "test", "./apis", "./controllers/housekeeping/...", "./controllers/storage/nodewatcher")
	in(t, dir, "go", "test", "./controllers", "-skip", "TestEveryControllerOfUpstreams") // nodewatcher is none of upstream's
}

// addsALoop adds a loop over a kind that is there.
func addsALoop(t *testing.T, dir string) {
	t.Helper()
	do(t, dir, CreateAPI(), "--group", "storage", "--version", "v1", "--kind", "CSINode", "--resource=false", "--controller-name", "node-watcher", "--make=false")
	files := read(t, dir)
	for path, want := range map[string]string{
		"controllers/controllers.go":                    `{OurKinds, "storage/nodewatcher", nodewatcher.Loop()},`,
		"controllers/storage/nodewatcher/controller.go": "groups=storage.k8s.io,resources=csinodes,verbs=list;watch",
		"controllers/storage/nodewatcher/plan.go":       `ostoragev1 "` + orrery + `/apis/storage/v1"`,
		"controllers/storage/nodewatcher/doc.go":        "none of kube-controller-manager's",
	} {
		if !strings.Contains(files[path].Content, want) {
			t.Errorf("%s does not say %q:\n%s", path, want, files[path].Content)
		}
	}
}

func TestWhatCannotBeAddedToOrreryItselfIsSaid(t *testing.T) {
	dir := t.TempDir()
	whole := read(t, checkout)
	few := tree.Tree{}
	for _, path := range []string{"PROJECT", "go.mod", "apis/kinds.go", "controllers/controllers.go", "config/crd/kustomization.yaml", "config/samples/kustomization.yaml"} {
		few[path] = whole[path]
	}
	if err := few.Write(dir); err != nil {
		t.Fatal(err)
	}
	of := func(group, version, name string, args ...string) []string {
		return append([]string{"--group", group, "--version", version, "--kind", name, "--make=false"}, args...)
	}
	for _, test := range []struct {
		name    string
		command Command
		args    []string
		want    string
	}{
		{"a kind that is there", CreateAPI(), of("apps", "v1", "Deployment"), "kind Deployment of apps.orrery.dev/v1 is there already"},
		{"a kind in a group of Kubernetes'", CreateAPI(), of("storage", "v1", "VolumeAttributesClass"), "Kubernetes' own under a second name"},
		{"a loop over a kind that is not there", CreateAPI(), of("housekeeping", "v1", "JobHistory", "--resource=false"), "none of Orrery's kinds"},
		{"a second room of one name", CreateAPI(), of("housekeeping", "v1", "Job"), "there is a room controllers/batch/job already"},
		{"a reconciler", CreateAPI(), of("housekeeping", "v1", "JobHistory", "--plain"), "loops of Orrery itself have rooms"},
		{"a name that is none", CreateAPI(), of("housekeeping", "v1", "jobHistory"), "did you mean JobHistory?"},
		{"webhooks", CreateWebhook(), of("apps", "v1", "Deployment", "--defaulting"), "this project is Orrery itself"},
		{"other settings", Edit(), []string{"--multigroup=false"}, "this project is Orrery itself"},
		{"a deletion", DeleteAPI(), of("apps", "v1", "Deployment"), "this project is Orrery itself"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := try(t, dir, test.command, test.args...)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want that it says %q", err, test.want)
			}
			if diff := cmp.Diff(few, read(t, dir)); diff != "" {
				t.Errorf("the module has changed (-before +after):\n%s", diff)
			}
		})
	}
}

var dashes = regexp.MustCompile(`^- `)

func TestInsertion(t *testing.T) {
	for _, test := range []struct {
		name, line string
		place      place
		want       string
	}{
		{"goes where the order has it", "- b", sorted, "x:\n- a\n- b\n- c\ny:\n"},
		{"goes to the end where nothing is greater", "- d", sorted, "x:\n- a\n- c\n- d\ny:\n"},
		{"goes to the end of a list without an order", "- b", last, "x:\n- a\n- c\n- b\ny:\n"},
		{"is made once", "- a", last, "x:\n- a\n- c\ny:\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := insertion{"x.yaml", dashes, test.line, test.place}.into("x:\n- a\n- c\ny:\n")
			if err != nil || got != test.want {
				t.Errorf("got %q (%v), want %q", got, err, test.want)
			}
		})
	}
	if _, err := (insertion{"x.yaml", dashes, "- a", last}).into("x: []\n"); err == nil || !strings.Contains(err.Error(), `add "- a" by hand`) {
		t.Errorf("where there is no list: got %v, want what is to be added by hand", err)
	}
}
