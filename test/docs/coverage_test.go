package docs

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/controllers"
)

var update = flag.Bool("update", false, "write the table of the README anew")

// The table stands between these two lines of the README.
const (
	tableBegins = "<!-- what works: written by `go test ./test/docs -update` -->\n"
	tableEnds   = "<!-- end of what works -->\n"
)

func TestTheReadmeTellsWhichKindsWork(t *testing.T) {
	file := filepath.Join(root, "README.md")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(text), tableBegins)
	got, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		t.Fatalf("%s has no table between %q and %q", file, tableBegins, tableEnds)
	}
	want := coverage(controllers.BuiltIns(), controllers.Unserved(controllers.All(controllers.Options{})))
	if *update {
		if err := os.WriteFile(file, []byte(before+tableBegins+want+tableEnds+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the table of %s is not true any more (-want +got; `go test ./test/docs -update` writes it anew):\n%s", file, diff)
	}
}

// coverage is the table: a line for each API group, with the kinds that work and those that do not yet.
func coverage(all, unserved []controllers.BuiltIn) string {
	missing := map[string]bool{}
	for _, kind := range unserved {
		missing[kind.String()] = true
	}
	var groups []string
	works, waits := map[string][]string{}, map[string][]string{}
	for _, kind := range all {
		if len(works[kind.Group])+len(waits[kind.Group]) == 0 {
			groups = append(groups, kind.Group)
		}
		if missing[kind.String()] {
			waits[kind.Group] = append(waits[kind.Group], kind.Kind)
		} else {
			works[kind.Group] = append(works[kind.Group], kind.Kind)
		}
	}
	var table strings.Builder
	table.WriteString("| API group | works | is stored, and nothing comes of it yet |\n|---|---|---|\n")
	for _, group := range groups {
		name := group
		if name == "" {
			name = "core"
		}
		table.WriteString("| " + strings.Join([]string{name, strings.Join(works[group], ", "), strings.Join(waits[group], ", ")}, " | ") + " |\n")
	}
	return table.String()
}
