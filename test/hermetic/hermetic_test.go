package hermetic

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func orrery(t *testing.T) string {
	t.Helper()
	program, err := filepath.Abs("../../bin/orrery")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatal("there is no bin/orrery to try: run `make orrery` first")
	}
	return program
}

// The project's Makefile fails where it would download, and its suite is one on controller-runtime's own envtest.
func TestAProjectOfKubebuildersTestsItselfWithoutADownload(t *testing.T) {
	run := exec.CommandContext(t.Context(), orrery(t), "envtest", "--", "make", "test")
	run.Dir = "testdata/project"
	run.Env = append(os.Environ(), "LOCALBIN="+filepath.Join(t.TempDir(), "bin"))
	out, err := run.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "3 Passed") {
		t.Errorf("%v:\n%s", err, out)
	}
}

func TestTheCommandEndsAsWhatItRan(t *testing.T) {
	run := exec.CommandContext(t.Context(), orrery(t), "envtest", "--", "sh", "-c", "exit 7")
	if out, err := run.CombinedOutput(); run.ProcessState.ExitCode() != 7 || len(out) > 0 {
		t.Errorf("it ended with %v and %q, want 7 without a word", err, out)
	}
}

func TestTheProgramsCanBeLeftInADirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "k8s")
	out, err := exec.CommandContext(t.Context(), orrery(t), "envtest", "--assets", dir).Output()
	if err != nil || strings.TrimSpace(string(out)) != dir {
		t.Fatalf("it says %q, %v; want %s", out, err, dir)
	}
	version, err := exec.CommandContext(t.Context(), filepath.Join(dir, "kubectl"), "version", "--client").Output()
	if err != nil || !strings.Contains(string(version), "Client Version: v1.") {
		t.Errorf("kubectl says %q, %v", version, err)
	}
}
