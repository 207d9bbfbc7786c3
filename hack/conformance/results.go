package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/orrery-dev/orrery/hack/conformance/page"
	"github.com/orrery-dev/orrery/hack/conformance/programs"
	"github.com/orrery-dev/orrery/hack/conformance/record"
	"github.com/orrery-dev/orrery/hack/conformance/suite"
	"github.com/orrery-dev/orrery/hack/conformance/tests"
)

// records is the directory of the records, from the root of the repository.
const records = "hack/conformance/record"

// tell says what came out.
func (r runner) tell(selected []tests.Test, results []suite.Result) error {
	file := filepath.Join(r.results(), "results.json")
	content, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, append(content, '\n'), 0o644); err != nil {
		return err
	}
	counts := map[string]int{}
	for _, result := range results {
		counts[result.Outcome]++
		if result.Outcome != suite.Passed {
			say("%-7s %s\n    %s\n    %s", result.Outcome, result.Name, firstLine(result.Message), result.Location)
		}
	}
	say("%d passed, %d failed, %d skipped, %d did not end; %s", counts[suite.Passed], counts[suite.Failed], counts[suite.Skipped], len(selected)-len(results), file)
	if counts[suite.Failed] > 0 {
		return errTestsFail
	}
	return nil
}

// firstLine is the beginning of a message that may be pages long.
func firstLine(message string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(message), "\n")
	if len(line) > 300 {
		line = line[:300] + " ..."
	}
	return line
}

// record keeps results, and writes the page.
func (r runner) record(all []tests.Test, results []suite.Result, commit string) error {
	before, err := r.readRecord(r.suite.Name)
	if err != nil {
		return err
	}
	if err := os.WriteFile(r.recordFile(r.suite.Name), []byte(before.Updated(all, results, commit).String()), 0o644); err != nil {
		return err
	}
	return r.writePage()
}

func (s settings) recordFile(suite string) string { return s.under(records, suite+".txt") }

// readRecord reads the record of a suite; that of one which was never run is empty.
func (s settings) readRecord(suite string) (record.Record, error) {
	file := s.recordFile(suite)
	text, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	read, err := record.Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	return read, nil
}

// writePage writes the tables of docs/conformance.md from the records and the reasons.
func (s settings) writePage() error {
	var contents page.Contents
	for _, name := range tests.Names() {
		of, err := tests.SuiteOf(name)
		if err != nil {
			return err
		}
		results, err := s.readRecord(name)
		if err != nil {
			return err
		}
		contents.Suites = append(contents.Suites, page.Suite{Suite: of, Record: results})
	}
	why, err := os.ReadFile(s.under("hack/conformance/reasons.txt"))
	if err != nil {
		return err
	}
	if contents.Reasons, err = page.ParseReasons(string(why)); err != nil {
		return fmt.Errorf("reading hack/conformance/reasons.txt: %w", err)
	}
	if contents.Version, err = programs.KubernetesVersion(); err != nil {
		return err
	}
	file := s.under("docs/conformance.md")
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text, err := page.Write(string(old), contents)
	if err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	return os.WriteFile(file, []byte(text), 0o644)
}
