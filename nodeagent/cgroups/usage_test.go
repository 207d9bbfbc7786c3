package cgroups

import (
	"os"
	"path/filepath"
	"testing"
)

// written is a file system of groups with these files.
func written(t *testing.T, v2 bool, files map[string]string) *FS {
	t.Helper()
	f := &FS{Mount: t.TempDir(), V2: v2}
	for name, text := range files {
		file := filepath.Join(f.Mount, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func TestUsageIsTheSameOfBothVersions(t *testing.T) {
	want := Usage{CPU: 1_500_000_000, Memory: 10 << 20, WorkingSet: 7 << 20, RSS: 2 << 20}
	for name, f := range map[string]*FS{
		"version 1": written(t, false, map[string]string{
			"cpuacct/o/pod/cpuacct.usage":        "1500000000\n",
			"memory/o/pod/memory.usage_in_bytes": "10485760\n",
			"memory/o/pod/memory.stat":           "inactive_file 5\ntotal_inactive_file 3145728\ntotal_rss 2097152\n",
		}),
		"version 2": written(t, true, map[string]string{
			"o/pod/cpu.stat":       "usage_usec 1500000\nuser_usec 1000000\n",
			"o/pod/memory.current": "10485760\n",
			"o/pod/memory.stat":    "anon 2097152\ninactive_file 3145728\n",
		}),
	} {
		got, err := f.Usage("/o/pod")
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, want)
		}
	}
}

func TestUsageOfAGroupThatIsGoneIsAnError(t *testing.T) {
	if got, err := written(t, true, nil).Usage("/o/gone"); err == nil {
		t.Errorf("the usage of a group that is not there is %+v", got)
	}
}

func TestWorkingSetIsNeverLessThanNothing(t *testing.T) {
	f := written(t, true, map[string]string{
		"pod/cpu.stat": "usage_usec 1\n", "pod/memory.current": "100\n", "pod/memory.stat": "inactive_file 4096\n",
	})
	if got, err := f.Usage("/pod"); err != nil || got.WorkingSet != 0 {
		t.Errorf("%+v, %v; want a working set of 0", got, err)
	}
}

func TestAPodsGroupIsRemovedFromEveryHierarchyThatARuntimeMakesItIn(t *testing.T) {
	f := &FS{Mount: t.TempDir(), root: "/orrery"}
	for _, controller := range []string{"cpu", "cpuacct", "memory"} {
		if err := os.MkdirAll(filepath.Join(f.Mount, controller, "orrery", "besteffort", "podx"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Remove("x"); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(f.Mount, "*", "orrery", "besteffort", "podx")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}
