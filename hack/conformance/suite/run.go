package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/hack/conformance/process"
	"github.com/orrery-dev/orrery/hack/conformance/programs"
	"github.com/orrery-dev/orrery/hack/conformance/tests"
)

// patience is how long Ginkgo may clean up after an interrupted test.
const patience = 90 * time.Second

// Run is one run of tests.
type Run struct {
	// Tests are what is run.
	Tests []tests.Test
	// Programs are the built programs.
	Programs programs.Builder
	// Program is which of them has the tests, and Flags are those by which it finds the cluster, and for these tests.
	Program string
	Flags   []string
	// Kubeconfig says how to reach the cluster, as somebody who may do everything.
	Kubeconfig string
	// Procs is how many tests run at once, but for those that want the cluster for themselves.
	Procs int
	// Timeout ends the run.
	Timeout time.Duration
	// Dir is where logs and reports go.
	Dir string
	// Say tells what is being done, and what has ended.
	Say func(format string, args ...any)
}

// Do runs the tests, and returns the results of those that ended. An error is not that a test failed.
func (r Run) Do(ctx context.Context) ([]Result, error) {
	var parallel, serial []tests.Test
	for _, test := range r.Tests {
		if test.Serial() {
			serial = append(serial, test)
		} else {
			parallel = append(parallel, test)
		}
	}
	told := &progress{say: r.Say, total: len(r.Tests)}
	var results []Result
	for _, part := range []struct {
		name  string
		procs int
		tests []tests.Test
	}{{"parallel", min(r.Procs, len(parallel)), parallel}, {"serial", 1, serial}} {
		if len(part.tests) == 0 || ctx.Err() != nil {
			continue
		}
		r.Say("running %d tests, %d at once; log: %s", len(part.tests), part.procs, filepath.Join(r.Dir, part.name, "log.txt"))
		some, err := r.ginkgo(ctx, part.name, part.procs, part.tests, told)
		results = append(results, some...)
		if err != nil {
			return results, err
		}
	}
	return results, ctx.Err()
}

// ginkgo runs tests in one go.
func (r Run) ginkgo(ctx context.Context, name string, procs int, list []tests.Test, told *progress) ([]Result, error) {
	dir, err := filepath.Abs(filepath.Join(r.Dir, name))
	if err != nil {
		return nil, err
	}
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	kubeconfig, err := filepath.Abs(r.Kubeconfig)
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "log.txt"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // what it holds is for people
	args := []string{
		r.Programs.Path(programs.Ginkgo), "run", "-v", "--no-color", fmt.Sprintf("--procs=%d", procs), fmt.Sprintf("--timeout=%s", r.Timeout),
		"--keep-going", "--output-dir=" + dir, "--json-report=report.json", "--junit-report=junit.xml",
	}
	args = append(args, focus(list)...)
	args = append(args, r.Programs.Path(r.Program), "--",
		"--kubectl-path="+r.Programs.Path(programs.Kubectl), "--delete-namespace=true", "--dump-logs-on-failure=true")
	command := process.Command{
		Args:     append(args, r.Flags...),
		Env:      []string{"KUBECONFIG=" + kubeconfig},
		Output:   told.reading(log),
		Patience: patience,
	}
	ran := command.Run(ctx)
	report := filepath.Join(dir, "report.json")
	results, err := readReport(report, list)
	switch {
	case err == nil:
		return results, ctx.Err() // Ginkgo fails where a test does
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case ran != nil && errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("running the tests: %w; see %s", ran, log.Name())
	}
	return nil, fmt.Errorf("running the tests: %w", err)
}

// longest is how long one argument becomes, in bytes: Linux takes 128 KiB.
const longest = 64 << 10

// focus are arguments for exactly these tests: regular expressions, of which a test matches one. Ginkgo matches them against the suite's
// name and the test's.
func focus(list []tests.Test) []string {
	var args, names []string
	length := 0
	for i, test := range list {
		name := regexp.QuoteMeta(test.Name)
		names = append(names, name)
		if length += len(name) + 1; length > longest || i == len(list)-1 {
			args = append(args, "--focus= ("+strings.Join(names, "|")+")$")
			names, length = nil, 0
		}
	}
	return args
}
