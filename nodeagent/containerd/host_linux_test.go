package containerd

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestConfigAgainstGoldenFile(t *testing.T) {
	got, err := config{
		Root: "/data/root", State: "/run/orrery/x/state", Socket: "/run/orrery/x/containerd.sock", Sockets: "/run/orrery/x/s",
		Temp: "/run/orrery/x/tmp", Opt: "/data/opt", PluginDir: `/a "quoted" path/cni`, ConfDir: "/data/cni/net.d",
		SandboxImage: "registry.orrery.dev/pause:1", Registries: "/data/registries:/etc/containerd/certs.d", Snapshotter: "overlayfs", RestrictOOMScore: true,
	}.text()
	if err != nil {
		t.Fatal(err)
	}
	const file = "testdata/config.toml"
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("the configuration differs (-want +got; -update writes it anew):\n%s", diff)
	}
}

func TestOOMScoreIsRestrictedExactlyWhenTheKernelSaysSo(t *testing.T) {
	restricted, err := oomScoreIsRestricted()
	if err != nil {
		t.Fatal(err)
	}
	child := sleeper(t)
	// Lowering a score below what it was started with takes the same capability.
	err = os.WriteFile("/proc/"+strconv.Itoa(child.Process.Pid)+"/oom_score_adj", []byte("-1"), 0o644)
	if refused := err != nil; refused != restricted {
		t.Errorf("restricted is %t, but lowering a child's score ended with %v", restricted, err)
	}
}

func TestEndWaitsForTheEnd(t *testing.T) {
	child := sleeper(t)
	if err := end(t.Context(), []int{child.Process.Pid}, unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err == nil || !strings.Contains(err.Error(), "terminated") {
		t.Errorf("the child ended with %v, want SIGTERM", err)
	}
	if err := end(t.Context(), []int{child.Process.Pid}, unix.SIGTERM); err != nil {
		t.Errorf("ending it again: %v", err)
	}
}

func TestEndGivesUpWithItsContext(t *testing.T) {
	child := sleeper(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := end(ctx, []int{child.Process.Pid}, unix.SIGCONT); err == nil { // which ends nobody
		t.Error("there is no error, though the process has not ended")
	}
}

func TestProcessesAreFoundByTheirCommandLine(t *testing.T) {
	child := sleeper(t)
	found, err := processes(func(argv []string) bool { return hasPair(argv, "sleep", child.seconds) })
	if err != nil || !slices.Equal(found, []int{child.Process.Pid}) {
		t.Errorf("found %v (%v), want %d", found, err, child.Process.Pid)
	}
	family, err := children([]int{os.Getpid()})
	if err != nil || !slices.Contains(family, child.Process.Pid) {
		t.Errorf("our children are %v (%v), want %d among them", family, err, child.Process.Pid)
	}
}

// process is a child that waits, and ends with the test.
type process struct {
	*exec.Cmd
	seconds string
}

// sleeper starts a child that waits for a time that no other process waits for.
func sleeper(t *testing.T) *process {
	t.Helper()
	p := &process{seconds: "3600." + strconv.Itoa(os.Getpid())}
	p.Cmd = exec.Command("sleep", p.seconds)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Process.Kill() // it may have ended
		_ = p.Wait()         // or been waited for
	})
	return p
}
