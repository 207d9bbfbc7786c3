package cli

import (
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
