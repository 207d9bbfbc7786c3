package doctor

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestThisMachineCanBeLookedAt(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	port := listener.Addr().(*net.TCPAddr).Port
	dir := filepath.Join(t.TempDir(), "is", "not", "there")
	m := Observe(t.Context(), Question{
		Containers: true,
		Instance:   Instance{Name: "test", Dir: dir, Port: port, Chosen: true, Pods: netip.MustParsePrefix("10.200.0.0/16"), Services: netip.MustParsePrefix("10.96.0.0/16")},
		Programs:   saw("nowhere", nil),
		Traces:     Traces{Dirs: []string{dir}, CgroupRoots: []string{"/orrery-that-is-not-there"}},
	})
	for what, err := range map[string]error{
		"kernel": m.Kernel.Err, "control groups": m.Cgroups.Err, "overlayfs": m.Overlay.Err, "capabilities": m.Capabilities.Err,
		"inotify": m.InotifyInstances.Err, "watches": m.InotifyWatches.Err, "processes": m.PIDs.Err, "files": m.Files.Err, "memory": m.Memory.Err,
		"disk": m.Disk.Err, "forwarding": m.Forwarding.Err, "routes": m.Routes.Err, "resolvers": m.Resolvers.Err, "leftovers": m.Leftovers.Err,
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if m.Memory.Value.Total == 0 || m.PIDs.Value.Now == 0 || m.Files.Value.Hard == 0 || m.Disk.Value.Size == 0 || m.Kernel.Value == "" {
		t.Errorf("saw nothing: %+v", m)
	}
	if len(m.Leftovers.Value.Processes)+len(m.Leftovers.Value.Mounts) > 0 {
		t.Errorf("of what never was there is left %+v", m.Leftovers.Value)
	}
	want := fmt.Sprintf("(process %d)", os.Getpid())
	if taken := m.Ports.Value; len(taken) == 0 || taken[0].Number != port || !strings.Contains(taken[0].By, want) {
		t.Errorf("ports taken are %+v, want %d by %s", taken, port, want)
	}
}

func TestAProcessOfAnInstanceIsFoundByItsDirectory(t *testing.T) {
	dir := t.TempDir()
	shim := exec.Command("sh", "-c", "read word", "shim", filepath.Join(dir, "containerd", "containerd.sock"))
	stdin, err := shim.StdinPipe() // it lives until this is closed
	if err != nil {
		t.Fatal(err)
	}
	if err := shim.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = stdin.Close()
		_ = shim.Wait() // read ends with an error at the end of its input
	}()
	for of, want := range map[string][]int{dir: {shim.Process.Pid}, dir + "-two": nil} {
		l, err := seeLeftovers(Traces{Dirs: []string{of}}, nil, os.Getpid())
		if err != nil || !slices.Equal(l.Processes, want) {
			t.Errorf("of the instance in %s run %v (%v), want %v", of, l.Processes, err, want)
		}
	}
}

func TestAProcessIsAsOldAsItsStartSays(t *testing.T) {
	stat := "42 (a name) with) S 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 9 0 5000 0 0"
	if got, err := age(stat, "110.50 200.00\n"); err != nil || got != 60500*time.Millisecond {
		t.Errorf("it is %s old (%v), want 1m0.5s", got, err)
	}
	if _, err := age("42 (x) S 1", "110.50"); err == nil {
		t.Error("a process without a start has an age")
	}
	if got, err := ageOf(os.Getpid()); err != nil || got <= 0 || got > time.Hour {
		t.Errorf("this process is %s old (%v)", got, err)
	}
}
