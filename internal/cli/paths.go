package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// markPaths says of flags that their values are paths of files or directories: a shell completes them, and who writes them down
// for another working directory makes them absolute.
func markPaths(flags *pflag.FlagSet, names ...string) {
	for _, name := range names {
		if err := cobra.MarkFlagFilename(flags, name); err != nil {
			panic(err) // unreachable: the flag was added just before
		}
	}
}

// isPath reports whether a flag's value is a path.
func isPath(flag *pflag.Flag) bool {
	_, ok := flag.Annotations[cobra.BashCompFilenameExt]
	return ok
}

// writePrivate writes a file for its owner alone, also where there was one that others could read.
func writePrivate(path string, data []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // for its owner alone
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	defer func() { _ = os.Remove(file.Name()) }() // after a rename there is none
	_, err = file.Write(data)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
