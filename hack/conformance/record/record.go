package record

import (
	"fmt"
	"strings"

	"github.com/orrery-dev/orrery/hack/conformance/suite"
	"github.com/orrery-dev/orrery/hack/conformance/tests"
)

// NotRun is the outcome of a test that never ran to its end.
const NotRun = "not run"

// nowhere stands for the commit of a test that never ran.
const nowhere = "-"

// Entry is what became of one test.
type Entry struct {
	// Outcome is suite.Passed, Failed or Skipped, or NotRun.
	Outcome string
	// Commit is of what it was run on; "-" where it was not.
	Commit string
	// Test is which one.
	Test tests.Test
	// Why is what a test that was skipped said of it, on one line; empty for others: why one fails is for people to say.
	Why string
}

// Record is what became of each test of a suite.
type Record []Entry

// Parse reads a record. Lines that begin with # are comments.
func Parse(text string) (Record, error) {
	var r Record
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(line, "\t")
		if len(cells) != 3 && len(cells) != 4 {
			return nil, fmt.Errorf("line %d: want an outcome, a commit, a test's name and perhaps a reason, with tabs between: %q", number, line)
		}
		test, err := tests.Named(cells[2])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		e := Entry{Outcome: cells[0], Commit: cells[1], Test: test}
		switch e.Outcome {
		case suite.Passed, suite.Failed, suite.Skipped, NotRun:
		default:
			return nil, fmt.Errorf("line %d: %q is no outcome", number, e.Outcome)
		}
		if len(cells) == 4 {
			e.Why = cells[3]
		}
		r = append(r, e)
	}
	return r, nil
}

// String is the record as Parse reads it.
func (r Record) String() string {
	var b strings.Builder
	b.WriteString("# What became of each test: its outcome, the commit, its name, and why it was skipped. Written by make conformance.\n")
	for _, e := range r {
		fmt.Fprintf(&b, "%s\t%s\t%s", e.Outcome, e.Commit, e.Test.Name)
		if e.Why != "" {
			b.WriteString("\t" + e.Why)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// Updated is the record of a suite's tests after a run of some of them on a commit. Of a test that the suite does not have any more
// nothing remains.
func (r Record) Updated(of []tests.Test, results []suite.Result, commit string) Record {
	before, now := map[string]Entry{}, map[string]suite.Result{}
	for _, e := range r {
		before[e.Test.Name] = e
	}
	for _, result := range results {
		now[result.Name] = result
	}
	updated := make(Record, 0, len(of))
	for _, test := range of {
		entry, known := before[test.Name]
		if !known {
			entry = Entry{Outcome: NotRun, Commit: nowhere, Test: test}
		}
		if result, ran := now[test.Name]; ran {
			entry = Entry{Outcome: result.Outcome, Commit: commit, Test: test}
			if result.Outcome == suite.Skipped {
				entry.Why = line(result.Message)
			}
		}
		updated = append(updated, entry)
	}
	return updated
}

// line is the first line of a message, which may have been pages.
func line(message string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(message), "\n")
	return strings.ReplaceAll(first, "\t", " ")
}

// Count is how many tests have an outcome.
func (r Record) Count(outcome string) int {
	count := 0
	for _, e := range r {
		if e.Outcome == outcome {
			count++
		}
	}
	return count
}

// Commits are those that tests were run on, in the record's order.
func (r Record) Commits() []string {
	var commits []string
	seen := map[string]bool{nowhere: true}
	for _, e := range r {
		if !seen[e.Commit] {
			seen[e.Commit] = true
			commits = append(commits, e.Commit)
		}
	}
	return commits
}
