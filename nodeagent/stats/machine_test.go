package stats

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func machine(t *testing.T, files map[string]string) Proc {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Proc(dir)
}

const (
	stat    = "cpu  100 20 30 9999 888 4 5 6 7 8\ncpu0 1 1 1 1 1 1 1 1 0 0\nbtime 1700000000\n"
	meminfo = "MemTotal:        1000 kB\nMemFree:          400 kB\nAnonPages:        150 kB\nInactive(file):   100 kB\nHugePages_Total:       3\n"
)

func TestTheMachineIsBusyButWhenItIsIdleOrWaits(t *testing.T) {
	got, err := machine(t, map[string]string{"stat": stat, "meminfo": meminfo}).Usage()
	want := Usage{CPU: uint64(1650 * time.Millisecond), Memory: 600 << 10, WorkingSet: 500 << 10, Available: 500 << 10, RSS: 150 << 10}
	if err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}

func TestAMachineThatTellsNothingIsAnError(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"no files":       {},
		"no CPU times":   {"stat": "intr 1\n", "meminfo": meminfo},
		"words as times": {"stat": "cpu a b c d e f g h\n", "meminfo": meminfo},
		"no memory":      {"stat": stat, "meminfo": "MemFree: 3 kB\n"},
	} {
		if got, err := machine(t, files).Usage(); err == nil {
			t.Errorf("%s: %+v and no error", name, got)
		}
	}
}

func TestTheMachineTellsWhenItCameUp(t *testing.T) {
	if got := machine(t, map[string]string{"stat": stat}).Began(); got.Unix() != 1700000000 {
		t.Errorf("came up at %s", got)
	}
	if got := machine(t, nil).Began(); !got.IsZero() {
		t.Errorf("without the file: %s", got)
	}
}
