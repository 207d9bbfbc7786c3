package page

import (
	"fmt"
	"strings"

	"github.com/orrery-dev/orrery/hack/conformance/suite"
	"github.com/orrery-dev/orrery/hack/conformance/tests"
)

// NotRun is the outcome of a test that never ran to its end.
const NotRun = "not run"

// The lines between which the program writes.
const (
	begin = "<!-- what follows is written by make conformance -->"
	end   = "<!-- what make conformance writes ends here -->"
)

// Record is the outcome of each test that did not pass, by name.
type Record map[string]string

// Read reads the record of a page. On a page without one nothing has run.
func Read(page string, all []tests.Test) (Record, error) {
	record := Record{}
	_, written, _, found, err := split(page)
	if err != nil {
		return nil, err
	}
	if !found {
		for _, test := range all {
			record[test.Name] = NotRun
		}
		return record, nil
	}
	known := map[string]bool{}
	for _, test := range all {
		known[test.Name] = true
	}
	for line := range strings.Lines(written) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if len(cells) != 3 || !strings.HasPrefix(cells[0], "| [sig-") {
			continue
		}
		name := strings.TrimPrefix(cells[0], "| ")
		if !known[name] {
			return nil, fmt.Errorf("the page names a test that upstream's list does not have: %s", name)
		}
		record[name] = cells[1]
	}
	return record, nil
}

// Update adds the results of a run.
func (r Record) Update(results []suite.Result) {
	for _, result := range results {
		if result.Outcome == suite.Passed {
			delete(r, result.Name)
		} else {
			r[result.Name] = result.Outcome
		}
	}
}

// Write returns the page with the record in the place of its former one, or at its end.
func Write(page string, r Record, all []tests.Test, why Reasons, version string) (string, error) {
	before, _, after, found, err := split(page)
	if err != nil {
		return "", err
	}
	if !found {
		before = strings.TrimRight(page, "\n") + "\n\n"
	}
	return before + begin + "\n\n" + render(r, all, why, version) + "\n" + end + after, nil
}

// split cuts a page into what stands before, between and behind the two lines.
func split(page string) (before, written, after string, found bool, err error) {
	before, rest, found := strings.Cut(page, begin)
	if !found {
		return page, "", "\n", false, nil
	}
	written, after, ended := strings.Cut(rest, end)
	if !ended {
		return "", "", "", false, fmt.Errorf("the page has the line %q, and not the line %q", begin, end)
	}
	return before, written, after, true, nil
}

// render writes the record as tables.
func render(r Record, all []tests.Test, why Reasons, version string) string {
	var b strings.Builder
	passed, of := map[string]int{}, map[string]int{}
	for _, test := range all {
		of[test.SIG]++
		if r[test.Name] == "" {
			passed[test.SIG]++
		}
	}
	fmt.Fprintf(&b, "Of the %d conformance tests of Kubernetes %s, %d pass.\n\n", len(all), strings.TrimPrefix(version, "v"), len(all)-len(r))
	b.WriteString("| | pass | of |\n|---|---|---|\n")
	for _, group := range tests.SIGs(all) {
		fmt.Fprintf(&b, "| sig-%s | %d | %d |\n", group, passed[group], of[group])
	}
	for _, group := range tests.SIGs(all) {
		if passed[group] == of[group] {
			continue
		}
		fmt.Fprintf(&b, "\n### sig-%s: %d of %d\n\n| test | | why |\n|---|---|---|\n", group, passed[group], of[group])
		for _, test := range all {
			if outcome := r[test.Name]; outcome != "" && test.SIG == group {
				fmt.Fprintf(&b, "| %s | %s | %s |\n", test.Name, outcome, why[test.Name])
			}
		}
	}
	return b.String()
}
