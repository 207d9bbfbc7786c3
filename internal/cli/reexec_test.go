package cli

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/spf13/pflag"
)

// values are one for each type of flag, and for those flags that take no other.
var values = map[string]string{
	"bool": "true", "int": "3", "int32": "3", "int64": "99999999", "uint16": "4000", "float64": "0.5", "duration": "7s",
	"string": "a 'word', and more", "stringSlice": "one,two", "stringArray": "one,two", "stringToString": "a=b,c=d",

	"runtime": "simulated", "controllers": "*,-nodelifecycle", "register-with-taints": "dedicated=db:NoSchedule", "node-ip": "192.0.2.7",
	"bind-address": "192.0.2.7", "advertise-address": "192.0.2.8",
}

// Whatever flags a process was started with, it is started with the same ones again, but for those that were for one start.
func TestAProcessIsStartedAgainWithItsFlags(t *testing.T) {
	for _, name := range []string{"up", "node"} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			inst, err := instance.Open(t.TempDir(), "second")
			if err != nil {
				t.Fatal(err)
			}
			given, _, err := newRoot().Find([]string{name})
			if err != nil {
				t.Fatal(err)
			}
			given.LocalNonPersistentFlags().VisitAll(func(flag *pflag.Flag) {
				if flag.Name != "help" {
					set(t, given.Flags(), flag)
				}
			})
			args, err := startArgs(given, inst)
			if err != nil {
				t.Fatal(err)
			}
			again, rest, err := newRoot().Traverse(args)
			if err == nil {
				err = again.ParseFlags(rest)
			}
			if err != nil {
				t.Fatalf("starting it again with %q: %v", args, err)
			}
			if again.Name() != name || again.InheritedFlags().Lookup("name").Value.String() != "second" {
				t.Errorf("%q start %s of another instance", args, again.Name())
			}
			given.Flags().VisitAll(func(flag *pflag.Flag) {
				now := again.Flags().Lookup(flag.Name)
				once := slices.Contains(onceFlags, flag.Name) || slices.Contains(joinFlags, flag.Name)
				switch want := flag.Value.String(); {
				case slices.Contains([]string{"help", "data-dir", "name", "foreground", "timeout"}, flag.Name):
				case once && now.Changed:
					t.Errorf("--%s is for one start, and is given again", flag.Name)
				case !once && !isPath(flag) && now.Value.String() != want:
					t.Errorf("--%s was %s, and is %s", flag.Name, want, now.Value)
				case !once && isPath(flag) && !filepath.IsAbs(now.Value.String()):
					t.Errorf("--%s is %s, which is another file in another folder", flag.Name, now.Value)
				}
			})
			for _, arg := range tellable(args) {
				if strings.HasPrefix(arg, "--manifest-url-header") {
					t.Errorf("a secret is told: %s", arg)
				}
			}
		})
	}
}

// set gives a flag another value than it has by default.
func set(t *testing.T, flags *pflag.FlagSet, flag *pflag.Flag) {
	t.Helper()
	candidates := []string{values[flag.Name], values[flag.Value.Type()], "off", "10.9.0.0/16", "Accept:text", "false"}
	for _, value := range candidates {
		if value != "" && value != flag.DefValue && flags.Set(flag.Name, value) == nil {
			return
		}
	}
	t.Errorf("--%s takes none of %q: give it a value here", flag.Name, candidates)
}
