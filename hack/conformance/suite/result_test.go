package suite

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onsi/ginkgo/v2/types"

	"github.com/orrery-dev/orrery/hack/conformance/tests"
)

// spec is a test in Ginkgo's report.
func spec(state types.SpecState, message string, texts ...string) types.SpecReport {
	last := len(texts) - 1
	return types.SpecReport{
		LeafNodeType: types.NodeTypeIt, State: state, RunTime: 1234 * time.Millisecond, Failure: types.Failure{Message: message},
		ContainerHierarchyTexts: texts[:last], LeafNodeText: texts[last],
	}
}

func TestReadReport(t *testing.T) {
	content, err := json.Marshal([]types.Report{{SpecReports: types.SpecReports{
		spec(types.SpecStatePassed, "", "[sig-apps] Job", "should pass"),
		spec(types.SpecStateTimedout, "too slow", "[sig-apps] Job", "should be quick"),
		spec(types.SpecStateSkipped, "", "[sig-apps] Job", "should not be chosen"),
		spec(types.SpecStateSkipped, "Requires at least 2 nodes", "[sig-apps] Job", "should be spread"),
		spec(types.SpecStateInterrupted, "Interrupted by User", "[sig-apps] Job", "should be interrupted"),
		spec(types.SpecStatePassed, "", "[sig-apps] Job", "should be no conformance test"),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "report.json")
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
	var list []tests.Test
	for _, name := range []string{"should pass", "should be quick", "should not be chosen", "should be spread", "should be interrupted"} {
		list = append(list, tests.Test{Name: "[sig-apps] Job " + name, SIG: "apps"})
	}
	results, err := readReport(file, list)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range results {
		got = append(got, r.Outcome+": "+r.Name+": "+r.Message)
	}
	want := []string{
		"passed: [sig-apps] Job should pass: ",
		"failed: [sig-apps] Job should be quick: too slow",
		"skipped: [sig-apps] Job should be spread: Requires at least 2 nodes",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestFocusMeansTheseTestsAndNoOthers(t *testing.T) {
	args := focus([]tests.Test{{Name: "[sig-apps] Job should (a.b)"}, {Name: "[sig-apps] Job should run"}})
	if len(args) != 1 {
		t.Fatalf("there are %d arguments, want one", len(args))
	}
	expression := regexp.MustCompile(strings.TrimPrefix(args[0], "--focus="))
	for name, want := range map[string]bool{
		"Kubernetes e2e suite [sig-apps] Job should (a.b)":           true,
		"Kubernetes e2e suite [sig-apps] Job should run":             true,
		"Kubernetes e2e suite [sig-apps] Job should run twice":       false,
		"Kubernetes e2e suite [sig-apps] Job should (aXb)":           false,
		"Kubernetes e2e suite [sig-node] Pods [sig-apps] Job should": false,
	} {
		if expression.MatchString(name) != want {
			t.Errorf("%q: want %t", name, want)
		}
	}
}

func TestManyTestsAreSeveralArguments(t *testing.T) {
	var list []tests.Test
	for i := range 2000 {
		list = append(list, tests.Test{Name: fmt.Sprintf("[sig-apps] Job should run %0100d times", i)})
	}
	args := focus(list)
	names := 0
	for _, arg := range args {
		if len(arg) > 128<<10 {
			t.Errorf("an argument has %d bytes, more than Linux takes", len(arg))
		}
		names += strings.Count(arg, " times")
	}
	if len(args) < 2 || names != len(list) {
		t.Errorf("%d arguments name %d tests, want several, and %d", len(args), names, len(list))
	}
}
