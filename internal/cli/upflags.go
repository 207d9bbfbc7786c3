package cli

import (
	"fmt"
	"net/url"
	"slices"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/spf13/pflag"
)

// incidental are flags that say how a command is run, and not what runs then.
var incidental = append([]string{"data-dir", "foreground", "help", "name", "timeout"}, onceFlags...)

// chosen are the values of all flags that say what runs.
func chosen(flags *pflag.FlagSet) map[string]string {
	values := map[string]string{}
	flags.VisitAll(func(f *pflag.Flag) {
		if !slices.Contains(incidental, f.Name) {
			values[f.Name] = f.Value.String()
		}
	})
	return values
}

// differences are the flags that were given and ask for something else than what runs, in words.
func differences(flags *pflag.FlagSet, running instance.Status) []string {
	var differ []string
	flags.Visit(func(f *pflag.Flag) {
		has, known := running.Flags[f.Name]
		if f.Name == "port" {
			if server, err := url.Parse(running.Server); err == nil {
				has = server.Port() // which was chosen for it, if it was not told
			}
			known = f.Value.String() != "0"
		}
		if known && has != f.Value.String() {
			differ = append(differ, fmt.Sprintf("it has --%s=%s, and not %s", f.Name, has, f.Value))
		}
	})
	return differ
}
