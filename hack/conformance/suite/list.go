package suite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/orrery-dev/orrery/hack/conformance/process"
)

// List returns the names of all tests that a program of upstream's has, with flags that may define more. Nothing is run.
func List(ctx context.Context, program string, flags ...string) ([]string, error) {
	scratch, err := os.MkdirTemp("", "tests-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(scratch) }() // what remains is a scratch directory
	file := filepath.Join(scratch, "report.json")
	command := process.Command{
		Args: append([]string{program, "--ginkgo.dry-run", "--ginkgo.silence-skips", "--ginkgo.no-color", "--ginkgo.json-report=" + file}, flags...),
		Dir:  scratch, // it may leave files where it runs
	}
	if err := command.Run(ctx); err != nil {
		return nil, fmt.Errorf("asking for the tests: %w", err)
	}
	specs, err := readSpecs(file)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(specs))
	for i, spec := range specs {
		names[i] = fullName(spec)
	}
	return names, nil
}
