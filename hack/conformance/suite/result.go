package suite

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/onsi/ginkgo/v2/types"

	"github.com/orrery-dev/orrery/hack/conformance/tests"
)

// The outcomes of a test.
const (
	Passed = "passed"
	Failed = "failed"
	// Skipped tests found that the cluster is not made for them: it has too few nodes, say.
	Skipped = "skipped"
)

// Result is what became of a test.
type Result struct {
	Name    string  `json:"name"`
	SIG     string  `json:"sig"`
	Outcome string  `json:"outcome"`
	Seconds float64 `json:"seconds"`
	// Message is what it failed with, or why it was skipped.
	Message string `json:"message,omitempty"`
	// Location is the file and line where it failed.
	Location string `json:"location,omitempty"`
}

// readReport reads Ginkgo's report of a run, as far as it is about the tests.
func readReport(file string, of []tests.Test) ([]Result, error) {
	list, err := readSpecs(file)
	if err != nil {
		return nil, err
	}
	specs := map[string]types.SpecReport{}
	for _, spec := range list {
		specs[fullName(spec)] = spec
	}
	var results []Result
	for _, test := range of {
		if spec, ok := specs[test.Name]; ok {
			if outcome := outcome(spec); outcome != "" {
				results = append(results, result(test, spec, outcome))
			}
		}
	}
	return results, nil
}

// readSpecs reads what a report of Ginkgo's says of tests, whether they ran or not.
func readSpecs(file string) ([]types.SpecReport, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var reports []types.Report
	if err := json.Unmarshal(content, &reports); err != nil {
		return nil, fmt.Errorf("reading Ginkgo's report %s: %w", file, err)
	}
	var specs []types.SpecReport
	for _, report := range reports {
		for _, spec := range report.SpecReports {
			if spec.LeafNodeType.Is(types.NodeTypeIt) {
				specs = append(specs, spec)
			}
		}
	}
	return specs, nil
}

// fullName is the name of a test as lists have it.
func fullName(spec types.SpecReport) string { return strings.TrimSpace(spec.FullText()) }

// outcome is empty where a test did not run, or not to its end.
func outcome(spec types.SpecReport) string {
	switch {
	case spec.State.Is(types.SpecStatePassed):
		return Passed
	case spec.State.Is(types.SpecStateSkipped) && spec.Failure.Message != "":
		return Skipped
	case spec.State.Is(types.SpecStateFailed | types.SpecStatePanicked | types.SpecStateTimedout):
		return Failed
	}
	return ""
}

func result(test tests.Test, spec types.SpecReport, outcome string) Result {
	r := Result{
		Name: test.Name, SIG: test.SIG, Outcome: outcome, Seconds: spec.RunTime.Round(100 * time.Millisecond).Seconds(), Message: spec.Failure.Message,
	}
	if outcome == Failed {
		r.Location = spec.Failure.Location.String()
	}
	return r
}
