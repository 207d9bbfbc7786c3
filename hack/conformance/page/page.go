package page

import (
	"fmt"
	"strings"

	"github.com/orrery-dev/orrery/hack/conformance/record"
	"github.com/orrery-dev/orrery/hack/conformance/suite"
	"github.com/orrery-dev/orrery/hack/conformance/tests"
)

// The lines between which the program writes.
const (
	begin = "<!-- what follows is written by make conformance -->"
	end   = "<!-- what make conformance writes ends here -->"
)

// Contents are what is written.
type Contents struct {
	// Suites are all suites, in the order of the page.
	Suites []Suite
	// Reasons say why tests do not pass.
	Reasons Reasons
	// Version is that of Kubernetes.
	Version string
}

// Suite is a suite, and what became of its tests: empty if it was never run.
type Suite struct {
	tests.Suite
	Record record.Record
}

// Write returns the page with the contents in the place of its former ones, or at its end.
func Write(page string, c Contents) (string, error) {
	before, rest, found := strings.Cut(page, begin)
	after := "\n"
	if found {
		_, behind, ended := strings.Cut(rest, end)
		if !ended {
			return "", fmt.Errorf("the page has the line %q, and not the line %q", begin, end)
		}
		after = behind
	} else {
		before = strings.TrimRight(page, "\n") + "\n\n"
	}
	return before + begin + "\n\n" + c.String() + "\n" + end + after, nil
}

// String is all tables.
func (c Contents) String() string {
	var parts []string
	var others []Suite
	for _, s := range c.Suites {
		switch {
		case len(s.Record) == 0:
		case s.Name == tests.Conformance:
			parts = append(parts, c.conformance(s.Record))
		default:
			others = append(others, s)
		}
	}
	if len(others) > 0 {
		parts = append(parts, c.others(others))
	}
	return strings.Join(parts, "\n")
}

// conformance are the tables of the conformance tests, by special interest groups.
func (c Contents) conformance(r record.Record) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Of the %d conformance tests of Kubernetes %s, %d pass (commit %s).\n\n",
		len(r), strings.TrimPrefix(c.Version, "v"), r.Count(suite.Passed), strings.Join(r.Commits(), ", "))
	b.WriteString("| | pass | of |\n|---|---|---|\n")
	for _, group := range groups(r) {
		fmt.Fprintf(&b, "| sig-%s | %d | %d |\n", group.name, group.record.Count(suite.Passed), len(group.record))
	}
	for _, group := range groups(r) {
		if passed := group.record.Count(suite.Passed); passed < len(group.record) {
			fmt.Fprintf(&b, "\n### sig-%s: %d of %d\n\n%s", group.name, passed, len(group.record), c.notPassed(group.record))
		}
	}
	return b.String()
}

// group is what the record says of the tests of one special interest group.
type group struct {
	name   string
	record record.Record
}

func groups(r record.Record) []group {
	var list []group
	at := map[string]int{}
	for _, e := range r {
		i, known := at[e.Test.SIG]
		if !known {
			i = len(list)
			at[e.Test.SIG] = i
			list = append(list, group{name: e.Test.SIG})
		}
		list[i].record = append(list[i].record, e)
	}
	return list
}

// others are the tables of the other suites.
func (c Contents) others(suites []Suite) string {
	var b strings.Builder
	b.WriteString("## Other suites\n\n| suite | pass | fail | skipped | not run | of | commit |\n|---|---|---|---|---|---|---|\n")
	for _, s := range suites {
		r := s.Record
		fmt.Fprintf(&b, "| `%s`: %s | %d | %d | %d | %d | %d | %s |\n", s.Name, s.About,
			r.Count(suite.Passed), r.Count(suite.Failed), r.Count(suite.Skipped), r.Count(record.NotRun), len(r), strings.Join(r.Commits(), ", "))
	}
	for _, s := range suites {
		if passed := s.Record.Count(suite.Passed); passed < len(s.Record) {
			fmt.Fprintf(&b, "\n### %s: %d of %d\n\n%s", s.Name, passed, len(s.Record), c.notPassed(s.Record))
		}
	}
	return b.String()
}

// notPassed is the table of the tests that did not pass, and why.
func (c Contents) notPassed(r record.Record) string {
	var b strings.Builder
	b.WriteString("| test | | why |\n|---|---|---|\n")
	for _, e := range r {
		if e.Outcome == suite.Passed {
			continue
		}
		why := c.Reasons[e.Test.Name]
		if why == "" {
			why = strings.ReplaceAll(e.Why, "|", `\|`)
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", e.Test.Name, e.Outcome, why)
	}
	return b.String()
}
