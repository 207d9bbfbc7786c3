package page

import (
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/hack/conformance/suite"
	"github.com/orrery-dev/orrery/hack/conformance/tests"
)

var three = []tests.Test{
	{Name: "[sig-apps] Job should run [Conformance]", SIG: "apps"},
	{Name: "[sig-node] Pods should run [Conformance]", SIG: "node"},
	{Name: "[sig-node] Pods should end [Conformance]", SIG: "node"},
}

func TestThePageIsTheRecord(t *testing.T) {
	record, err := Read("# Conformance\n", three)
	if err != nil {
		t.Fatal(err)
	}
	if len(record) != 3 {
		t.Fatalf("on an empty page %v did not run, want all", record)
	}
	record.Update([]suite.Result{{Name: three[0].Name, Outcome: suite.Passed}, {Name: three[1].Name, Outcome: suite.Failed}})
	page, err := Write("# Conformance\n", record, three, Reasons{three[1].Name: "Pods do not run yet."}, "v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# Conformance\n\n", "Of the 3 conformance tests of Kubernetes 1.2.3, 1 pass.", "| sig-apps | 1 | 1 |", "| sig-node | 0 | 2 |",
		"| [sig-node] Pods should run [Conformance] | failed | Pods do not run yet. |", "| [sig-node] Pods should end [Conformance] | not run |  |",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q:\n%s", want, page)
		}
	}
	again, err := Read(page, three)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(again, record) {
		t.Errorf("the page says %v, want %v", again, record)
	}
	same, err := Write(page, again, three, Reasons{three[1].Name: "Pods do not run yet."}, "v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	if same != page {
		t.Errorf("written again it is another page:\n%s", same)
	}
}

func TestARunLeavesAloneWhatItIsNotAbout(t *testing.T) {
	record := Record{three[1].Name: suite.Failed, three[2].Name: NotRun}
	record.Update([]suite.Result{{Name: three[1].Name, Outcome: suite.Passed}})
	if want := (Record{three[2].Name: NotRun}); !maps.Equal(record, want) {
		t.Errorf("got %v, want %v", record, want)
	}
}

func TestReadRefusesAPageThatIsNotOfThisList(t *testing.T) {
	page, err := Write("", Record{three[0].Name: suite.Failed}, three, nil, "v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read(page, three[1:]); err == nil || !strings.Contains(err.Error(), "Job should run") {
		t.Errorf("the error is %v, want one that names the test", err)
	}
	if _, err := Read(strings.Replace(page, end, "", 1), three); err == nil {
		t.Error("a page without its last line was read")
	}
}

func TestParseReasons(t *testing.T) {
	got, err := ParseReasons("# why\nThere is no DNS.\n  a test\n\tanother\n\nOne node is too few.\n  a third\n")
	if err != nil {
		t.Fatal(err)
	}
	if want := (Reasons{"a test": "There is no DNS.", "another": "There is no DNS.", "a third": "One node is too few."}); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for text, says := range map[string]string{"  a test\n": "line 1", "A.\n  x\nB.\n  x\n": "line 4", "A | B\n": "line 1"} {
		if _, err := ParseReasons(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: the error is %v, want %q in it", text, err, says)
		}
	}
}

// The page and the reasons of this repository.
func TestEachTestThatFailsHasAReason(t *testing.T) {
	all, err := tests.All()
	if err != nil {
		t.Fatal(err)
	}
	record, err := Read(read(t, "../../../docs/conformance.md"), all)
	if err != nil {
		t.Fatal(err)
	}
	reasons, err := ParseReasons(read(t, "../reasons.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for name, outcome := range record {
		if reasons[name] == "" && outcome != NotRun {
			t.Errorf("hack/conformance/reasons.txt does not say why this is %s: %s", outcome, name)
		}
	}
	for name := range reasons {
		if record[name] == "" {
			t.Errorf("hack/conformance/reasons.txt has a reason for what passes, or is no conformance test: %s", name)
		}
	}
	page, err := Write(read(t, "../../../docs/conformance.md"), record, all, reasons, pinned(t))
	if err != nil {
		t.Fatal(err)
	}
	if page != read(t, "../../../docs/conformance.md") {
		t.Error("docs/conformance.md is not what its record and the reasons give: make conformance-page")
	}
}

// pinned is the version of Kubernetes in go.mod, here and in the repository's own.
func pinned(t *testing.T) string {
	t.Helper()
	versions := map[string]bool{}
	version := ""
	for _, file := range []string{"../go.mod", "../../../go.mod"} {
		for line := range strings.Lines(read(t, file)) {
			if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "k8s.io/kubernetes" {
				version = fields[1]
				versions[version] = true
			}
		}
	}
	if len(versions) != 1 {
		t.Fatalf("the two go.mod pin Kubernetes %v: want one version", versions)
	}
	return version
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
