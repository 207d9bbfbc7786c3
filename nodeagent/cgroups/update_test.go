package cgroups

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestUpdateWritesTheFilesOfEitherVersion works on files that stand for those of the kernel.
func TestUpdateWritesTheFilesOfEitherVersion(t *testing.T) {
	given, nothing := Limits{Shares: 512, Quota: 50000, Period: 100000, Memory: 64 << 20, Pids: 99}, Limits{Shares: 2}
	for _, test := range []struct {
		name   string
		mark   string // the file by which the version is known; "" in version 1
		limits Limits
		want   map[string]string
	}{
		{"limits, version 1", "", given, map[string]string{
			"cpu/pod/cpu.shares": "512", "cpu/pod/cpu.cfs_quota_us": "50000", "memory/pod/memory.limit_in_bytes": "67108864", "pids/pod/pids.max": "99",
		}},
		{"none any more, version 1", "", nothing, map[string]string{
			"cpu/pod/cpu.shares": "2", "cpu/pod/cpu.cfs_quota_us": "-1", "memory/pod/memory.limit_in_bytes": "-1", "pids/pod/pids.max": "max",
		}},
		{"limits, version 2", "cgroup.controllers", given, map[string]string{
			"pod/cpu.weight": "20", "pod/cpu.max": "50000 100000", "pod/memory.max": "67108864", "pod/pids.max": "99",
		}},
		{"none any more, version 2", "cgroup.controllers", nothing, map[string]string{
			"pod/cpu.weight": "1", "pod/cpu.max": "max 100000", "pod/memory.max": "max", "pod/pids.max": "max",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := &FS{Mount: t.TempDir(), V2: test.mark != ""}
			for file := range test.want {
				file = filepath.Join(f.Mount, file)
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte("12345\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := f.Update("/pod", test.limits); err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for file := range test.want {
				text, err := os.ReadFile(filepath.Join(f.Mount, file))
				if err != nil {
					t.Fatal(err)
				}
				got[file] = string(text)
			}
			if !maps.Equal(got, test.want) {
				t.Errorf("the files are %q, want %q", got, test.want)
			}
		})
	}
}

func TestEnforceLeavesAloneWhatHasNoLimit(t *testing.T) {
	for version, files := range map[bool][]string{
		false: {"cpu/all/cpu.shares", "cpu/all/cpu.cfs_quota_us", "memory/all/memory.limit_in_bytes", "pids/all/pids.max"},
		true:  {"all/cpu.weight", "all/cpu.max", "all/memory.max", "all/pids.max"},
	} {
		f := &FS{Mount: t.TempDir(), V2: version}
		for _, file := range files {
			file = filepath.Join(f.Mount, file)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte("12345\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Enforce("/all", Limits{Shares: 2, Memory: 7}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, file := range files {
			text, err := os.ReadFile(filepath.Join(f.Mount, file))
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, strings.TrimSpace(string(text)))
		}
		want := map[bool]string{false: "2 12345 7 12345", true: "1 12345 7 12345"}[version]
		if strings.Join(got, " ") != want {
			t.Errorf("the files are %q, want %s", got, want)
		}
		if err := f.Enforce("/none", Limits{Memory: 7}); err == nil || err.Error() != "limiting control group /none: it is not there" {
			t.Errorf("for a group that is not there the error is %v", err)
		}
	}
}

func TestMemoryUsage(t *testing.T) {
	for version, file := range map[bool]string{false: "memory/pod/memory.usage_in_bytes", true: "pod/memory.current"} {
		f := &FS{Mount: t.TempDir(), V2: version}
		if _, err := f.MemoryUsage("/pod"); err == nil || !strings.HasPrefix(err.Error(), "reading the memory usage of a control group: ") {
			t.Errorf("of a group that is not there the error is %v", err)
		}
		path := filepath.Join(f.Mount, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("4096\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if used, err := f.MemoryUsage("/pod"); err != nil || used != 4096 {
			t.Errorf("it is %d (%v), want 4096", used, err)
		}
	}
}
