package page

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/hack/conformance/record"
	"github.com/orrery-dev/orrery/hack/conformance/suite"
	"github.com/orrery-dev/orrery/hack/conformance/tests"
)

// entry is what became of a test.
func entry(outcome, name, sig, why string) record.Entry {
	return record.Entry{Outcome: outcome, Commit: "aaa", Test: tests.Test{Name: name, SIG: sig}, Why: why}
}

var contents = Contents{
	Version: "v1.2.3",
	Reasons: Reasons{"[sig-node] Pods should run": "Pods do not run yet."},
	Suites: []Suite{
		{Suite: tests.Suite{Name: tests.Conformance}, Record: record.Record{
			entry(suite.Passed, "[sig-apps] Job should run", "apps", ""),
			entry(suite.Failed, "[sig-node] Pods should run", "node", ""),
			entry(record.NotRun, "[sig-node] Pods should end", "node", ""),
		}},
		{Suite: tests.Suite{Name: "storage", About: "volumes"}, Record: record.Record{
			entry(suite.Passed, "External Storage should be mounted", "storage", ""),
			entry(suite.Skipped, "External Storage should be shared", "storage", "one node | too few"),
		}},
		{Suite: tests.Suite{Name: "netpol", About: "policies"}},
	},
}

func TestThePageSaysWhatTheRecordsDo(t *testing.T) {
	page, err := Write("# Conformance\n", contents)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# Conformance\n\n", "Of the 3 conformance tests of Kubernetes 1.2.3, 1 pass (commit aaa).", "| sig-apps | 1 | 1 |", "| sig-node | 0 | 2 |",
		"### sig-node: 0 of 2", "| [sig-node] Pods should run | failed | Pods do not run yet. |", "| [sig-node] Pods should end | not run |  |",
		"| `storage`: volumes | 1 | 0 | 1 | 0 | 2 | aaa |", "### storage: 1 of 2",
		`| External Storage should be shared | skipped | one node \| too few |`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q:\n%s", want, page)
		}
	}
	for _, never := range []string{"netpol", "Job should run |"} {
		if strings.Contains(page, never) {
			t.Errorf("the page has %q, which was not run, or passed:\n%s", never, page)
		}
	}
	same, err := Write(page+"more\n", contents)
	if err != nil {
		t.Fatal(err)
	}
	if same != page+"more\n" {
		t.Errorf("written again it is another page:\n%s", same)
	}
	if _, err := Write(strings.Replace(page, end, "", 1), contents); err == nil {
		t.Error("a page without its last line was written")
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

// The page, the records and the reasons of this repository.
func TestEachTestThatFailsHasAReason(t *testing.T) {
	reasons, err := ParseReasons(read(t, "../reasons.txt"))
	if err != nil {
		t.Fatal(err)
	}
	here := Contents{Reasons: reasons, Version: pinned(t)}
	failing := map[string]bool{}
	for _, name := range tests.Names() {
		of, err := tests.SuiteOf(name)
		if err != nil {
			t.Fatal(err)
		}
		r := recorded(t, name)
		for _, e := range r {
			if e.Outcome == suite.Failed && reasons[e.Test.Name] == "" {
				t.Errorf("hack/conformance/reasons.txt does not say why this fails: %s", e.Test.Name)
			}
			failing[e.Test.Name] = failing[e.Test.Name] || e.Outcome != suite.Passed
		}
		here.Suites = append(here.Suites, Suite{Suite: of, Record: r})
	}
	for name := range reasons {
		if !failing[name] {
			t.Errorf("hack/conformance/reasons.txt has a reason for what passes, or is in no record: %s", name)
		}
	}
	for _, name := range tests.Names() {
		if !strings.Contains(read(t, "../../../docs/conformance.md"), "| `"+name+"` | ") {
			t.Errorf("docs/conformance.md does not say what suite %s is", name)
		}
	}
	page, err := Write(read(t, "../../../docs/conformance.md"), here)
	if err != nil {
		t.Fatal(err)
	}
	if page != read(t, "../../../docs/conformance.md") {
		t.Error("docs/conformance.md is not what the records and the reasons give: make conformance-page")
	}
}

// Which tests are of the suite of conformance is known without a run.
func TestTheRecordOfConformanceIsOfUpstreamsList(t *testing.T) {
	s, err := tests.SuiteOf(tests.Conformance)
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.Tests(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := recorded(t, tests.Conformance)
	if len(r) != len(all) {
		t.Fatalf("it has %d tests, want %d", len(r), len(all))
	}
	for i, test := range all {
		if r[i].Test != test {
			t.Errorf("test %d is %s, want %s", i, r[i].Test.Name, test.Name)
		}
	}
}

// recorded is the record of a suite; empty if there is none.
func recorded(t *testing.T, name string) record.Record {
	t.Helper()
	file := "../record/" + name + ".txt"
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	r, err := record.Parse(read(t, file))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return r
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
