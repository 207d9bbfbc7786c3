package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/spf13/pflag"
)

// unitFor is the unit that 'orrery service install' prints for flags.
func unitFor(t *testing.T, args ...string) string {
	t.Helper()
	var out strings.Builder
	root := newRoot()
	root.SetOut(&out)
	root.SetArgs(append([]string{"--data-dir", "/srv/orrery", "service", "install", "--dry-run"}, args...))
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestTheUnitRunsUpWithTheFlagsThatWereGiven(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("policy.yaml", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	unit := unitFor(t, "--runtime", "simulated", "--nodes", "3", "--tls-san", "a.example.com,b.example.com", "--apiserver-arg=--max-requests-inflight=800", "--audit-policy", "policy.yaml", "--port", "443")
	at := strings.Index(unit, "ExecStart=")
	line, _, _ := strings.Cut(unit[at:], "\n")
	words := strings.Fields(line)[1:]
	want := []string{
		"--data-dir=/srv/orrery", "--name=orrery", "up", "--foreground",
		"--apiserver-arg=--max-requests-inflight=800", "--audit-policy=" + filepath.Join(here, "policy.yaml"), "--nodes=3", "--port=443", "--runtime=simulated",
		"--tls-san=a.example.com", "--tls-san=b.example.com",
	}
	if !slices.Equal(words, want) {
		t.Errorf("it runs\n%q, want\n%q", words, want)
	}
	for _, option := range []string{"\nReadWritePaths=/srv/orrery\n", "\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE\n", "\nType=notify\n"} {
		if !strings.Contains(unit, option) {
			t.Errorf("%q is not in\n%s", option, unit)
		}
	}
}

func TestEveryFlagOfUpCanBeGivenToTheService(t *testing.T) {
	root := newRoot()
	up, _, err := root.Find([]string{"up"})
	if err != nil {
		t.Fatal(err)
	}
	install, _, err := root.Find([]string{"service", "install"})
	if err != nil {
		t.Fatal(err)
	}
	up.Flags().VisitAll(func(flag *pflag.Flag) {
		once := append([]string{"foreground", "timeout"}, onceFlags...)
		if !slices.Contains(once, flag.Name) && install.Flags().Lookup(flag.Name) == nil {
			t.Errorf("'orrery up' has --%s, and 'orrery service install' has not", flag.Name)
		}
	})
}

func TestEachInstanceHasAServiceOfItsOwn(t *testing.T) {
	names := map[string]bool{}
	for _, where := range []struct{ dir, name string }{
		{instance.DefaultDataDir(), "orrery"}, {instance.DefaultDataDir(), "second"}, {"/srv", "orrery"}, {"/srv", "second"},
	} {
		inst, err := instance.Open(where.dir, where.name)
		if err != nil {
			t.Fatal(err)
		}
		names[serviceName(inst)] = true
	}
	if len(names) != 4 || !names["orrery"] || !names["orrery-second"] {
		t.Errorf("four instances have services %v", names)
	}
}
