package scaffold

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/scaffold/tree"
	"golang.org/x/mod/modfile"
)

const (
	mainFileOfIts = "cmd/main.go"
	makefilePath  = "Makefile"
	agentsPath    = "AGENTS.md"
)

// older turns a project into one that an older version has made: of each of these files it wrote something else.
func older(t *testing.T, dir string, otherwise map[string]func(string) string) {
	t.Helper()
	r, err := readRecord(dir)
	if err != nil || r == nil {
		t.Fatalf("the project has no record: %v", err)
	}
	r.Version = "v0.1.0"
	for path, change := range otherwise {
		was, there := r.Files[path]
		old := change(was.Content)
		if old == was.Content {
			t.Fatalf("%s would not be different in an older version", path)
		}
		write(t, dir, path, strings.Replace(read(t, dir)[path].Content, was.Content, old, 1))
		if !there {
			was.Mode = 0o644
		}
		was.Content = old
		r.Files[path] = was
	}
	if err := r.write(dir); err != nil {
		t.Fatal(err)
	}
}

// replace replaces one text by another.
func replace(from, to string) func(string) string {
	return func(text string) string { return strings.Replace(text, from, to, 1) }
}

// edit changes a file as somebody does who works in the project.
func edit(t *testing.T, dir, path string, change func(string) string) {
	t.Helper()
	was := read(t, dir)[path].Content
	if change(was) == was {
		t.Fatalf("the edit changes nothing in %s:\n%s", path, was)
	}
	write(t, dir, path, change(was))
}

// withWebsite is a project with the kind Website.
func withWebsite(t *testing.T) string {
	t.Helper()
	dir := newProject(t)
	do(t, dir, CreateAPI(), kind("Website")...)
	return dir
}

func TestAnUpdateOfWhatIsUpToDateChangesNothing(t *testing.T) {
	dir := withWebsite(t)
	do(t, dir, CreateWebhook(), kind("Website", "--defaulting")...)
	edit(t, dir, "internal/controller/website/plan.go", func(text string) string { return text + "\n// worked on\n" })
	result := do(t, dir, Update(), "--make=false")
	if diff := result.Changes.Diff(); diff != "" || len(result.Notes) > 0 {
		t.Errorf("it changes\n%s\nand says %q", diff, result.Notes)
	}
}

func TestAnUpdateReplacesWhatNobodyEditedAndMergesTheRest(t *testing.T) {
	dir := withWebsite(t)
	newest := read(t, dir)
	older(t, dir, map[string]func(string) string{
		makefilePath:                               replace(".PHONY: test\n", ".PHONY: test verify\n"),
		mainFileOfIts:                              replace("Failed to run manager", "Cannot run manager"),
		"internal/controller/website/gone.go":      func(string) string { return "package website\n" },
		"internal/controller/website/edited.go":    func(string) string { return "package website\n" },
		"internal/controller/website/deleted.go":   func(string) string { return "package website\n" },
		"internal/controller/website/plan_test.go": replace("TestPlan", "TestPlans"),
	})
	// Of these files the older version knew nothing: one is there, one is not.
	r, _ := readRecord(dir)
	delete(r.Files, agentsPath)
	delete(r.Files, "README.md")
	if err := r.write(dir); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "README.md", "mine\n")
	for _, path := range []string{agentsPath, "internal/controller/website/deleted.go", "internal/controller/website/plan_test.go"} {
		if err := os.Remove(filepath.Join(dir, path)); err != nil {
			t.Fatal(err)
		}
	}
	edit(t, dir, mainFileOfIts, replace("func main() {\n", "// main is mine.\nfunc main() {\n"))
	edit(t, dir, "internal/controller/website/edited.go", func(text string) string { return text + "\n// worked on\n" })

	result := do(t, dir, Update(), "--make=false")
	got := read(t, dir)
	if diff := cmp.Diff(newest[makefilePath], got[makefilePath]); diff != "" {
		t.Errorf("what nobody edited is not as this version writes it (-want +got):\n%s", diff)
	}
	if want := strings.Replace(newest[mainFileOfIts].Content, "func main() {\n", "// main is mine.\nfunc main() {\n", 1); got[mainFileOfIts].Content != want {
		t.Errorf("what was edited is\n%s\nwant both changes", cmp.Diff(want, got[mainFileOfIts].Content))
	}
	if got[agentsPath] != newest[agentsPath] {
		t.Errorf("what is new is not there: %q", got[agentsPath].Content)
	}
	for path, there := range map[string]bool{"gone.go": false, "edited.go": true, "deleted.go": false, "plan_test.go": false} {
		if _, found := got["internal/controller/website/"+path]; found != there {
			t.Errorf("%s is there: %t, want %t", path, found, there)
		}
	}
	if got["README.md"].Content != "mine\n" {
		t.Errorf("what was there before it was scaffolded has become %q", got["README.md"].Content)
	}
	want := []string{
		"README.md is scaffolded now, and you have one already: it stays as it is",
		"internal/controller/website/edited.go is scaffolded no more, and you have edited it: it stays",
		"internal/controller/website/plan_test.go has changed, and you have deleted it: it stays away",
	}
	if diff := cmp.Diff(want, result.Notes); diff != "" {
		t.Errorf("the notes (-want +got):\n%s", diff)
	}
	if again := do(t, dir, Update(), "--make=false"); len(again.Changes) > 0 || len(again.Notes) > 0 {
		t.Errorf("a second update changes\n%s\nand says %q", again.Changes.Diff(), again.Notes)
	}
}

func TestAnUpdateMarksAndNamesConflicts(t *testing.T) {
	dir := withWebsite(t)
	older(t, dir, map[string]func(string) string{mainFileOfIts: replace("Failed to run manager", "Cannot run manager")})
	edit(t, dir, mainFileOfIts, replace("Cannot run manager", "No manager"))
	result := do(t, dir, Update()) // with make, which would not compile this
	text := read(t, dir)[mainFileOfIts].Content
	for _, want := range []string{"<<<<<<< yours\n", "No manager", "||||||| as scaffolded by v0.1.0\n", "Cannot run manager", "=======\n", "Failed to run manager", ">>>>>>> as scaffolded by "} {
		if !strings.Contains(text, want) {
			t.Errorf("%s does not say %q:\n%s", mainFileOfIts, want, text)
		}
	}
	if len(result.Notes) != 1 || !strings.HasPrefix(result.Notes[0], mainFileOfIts+" has conflicts") {
		t.Errorf("the notes are %q, want the file with conflicts", result.Notes)
	}
}

// Whoever creates a kind with a newer program has not updated by that.
func TestWhatIsCreatedLeavesTheUpdateToDo(t *testing.T) {
	dir := newProject(t)
	older(t, dir, map[string]func(string) string{
		mainFileOfIts: replace("Failed to run manager", "Cannot run manager"),
		makefilePath:  replace(".PHONY: test\n", ".PHONY: test verify\n"),
	})
	do(t, dir, CreateAPI(), kind("Website")...)
	do(t, dir, CreateAPI(), kind("Page")...)
	do(t, dir, DeleteAPI(), kind("Website")...)
	do(t, dir, Update(), "--make=false")

	want := newProject(t)
	do(t, want, CreateAPI(), kind("Page")...)
	if diff := tree.Compare(read(t, want), read(t, dir)).Diff(); !onlyTheRecord(tree.Compare(read(t, want), read(t, dir))) {
		t.Errorf("a project that was updated is other than one that this version made:\n%s", diff)
	}
}

func onlyTheRecord(changes tree.Changes) bool {
	return len(changes) == 0 || len(changes) == 1 && changes[0].Path == recordFile
}

func TestAProjectWithoutARecordIsAdopted(t *testing.T) {
	t.Setenv("ORRERY_SOURCE", absolute(t, checkout))
	dir := withWebsite(t)
	if err := os.Remove(filepath.Join(dir, recordFile)); err != nil {
		t.Fatal(err)
	}
	edit(t, dir, makefilePath, replace(".PHONY: test\n", ".PHONY: test verify\n"))
	do(t, dir, CreateAPI(), kind("Page")...)
	if _, err := try(t, dir, Update(), "--make=false"); err == nil || !strings.Contains(err.Error(), "--adopt") {
		t.Errorf("got %v, want what to do", err)
	}
	result := do(t, dir, Update(), "--make=false", "--adopt")
	if !onlyTheRecord(result.Changes) {
		t.Errorf("it changes\n%s", result.Changes.Diff())
	}
	if diff := cmp.Diff([]string{makefilePath + " is other than this version writes it, which counts as edited by you"}, result.Notes); diff != "" {
		t.Errorf("the notes (-want +got):\n%s", diff)
	}
	if _, err := try(t, dir, Update(), "--adopt"); err == nil || !strings.Contains(err.Error(), "leave the flag out") {
		t.Errorf("of a second time: got %v, want that it is refused", err)
	}
}

func TestAnUpdateRaisesWhatTheModuleRequires(t *testing.T) {
	dir := newProject(t)
	edit(t, dir, "go.mod", func(text string) string {
		mod, err := modfile.Parse("go.mod", []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		for path, version := range map[string]string{"github.com/onsi/gomega": "v1.0.0", "golang.org/x/mod": "v0.999.0"} {
			if err := mod.AddRequire(path, version); err != nil {
				t.Fatal(err)
			}
		}
		changed, err := mod.Format()
		if err != nil {
			t.Fatal(err)
		}
		return string(changed)
	})
	do(t, dir, Update(), "--make=false")
	text := read(t, dir)["go.mod"].Content
	if strings.Contains(text, "gomega v1.0.0") || !strings.Contains(text, "golang.org/x/mod v0.999.0") {
		t.Errorf("of what the checkout requires, go.mod has an older version, or lost a newer one:\n%s", text)
	}
}
