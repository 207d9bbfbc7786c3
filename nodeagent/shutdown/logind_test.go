package shutdown

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/godbus/dbus/v5/prop"

	"github.com/orrery-dev/orrery/internal/await"
)

// machine is a bus with a logind and a systemd on it, as far as they are asked for anything.
type machine struct {
	address    string
	connection *dbus.Conn
	properties *prop.Properties
	dropIns    string

	mu    sync.Mutex
	locks []*os.File // logind's ends: each is at its end when the other one, of which given is our copy, has been let go
	given []*os.File
	asked []string
}

// startBus starts a bus of its own.
func startBus(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("dbus-daemon")
	if err != nil {
		t.Skip("there is no dbus-daemon")
	}
	command := exec.Command(program, "--session", "--nofork", "--print-address", "--address=unix:path="+filepath.Join(t.TempDir(), "bus"))
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill() // it may have ended
		_ = command.Wait()
	})
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func startMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{address: startBus(t), dropIns: filepath.Join(t.TempDir(), "logind.conf.d")}
	var err error
	if m.connection, err = dbus.Connect(m.address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.connection.Close() })
	m.properties, err = prop.Export(m.connection, logindPath, prop.Map{logindAPI: {
		"InhibitDelayMaxUSec": {Value: uint64(5 * time.Second / time.Microsecond)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, export := range []struct {
		object any
		path   dbus.ObjectPath
		api    string
		name   string
	}{{login{m}, logindPath, logindAPI, logindName}, {systemd{m}, systemdPath, systemdAPI, systemdName}} {
		if err := m.connection.Export(export.object, export.path, export.api); err != nil {
			t.Fatal(err)
		}
		if _, err := m.connection.RequestName(export.name, dbus.NameFlagDoNotQueue); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

type login struct{ machine *machine }

// Inhibit gives out one end of a pipe, as logind does.
func (l login) Inhibit(what, who, _, mode string) (dbus.UnixFD, *dbus.Error) {
	ours, theirs, err := os.Pipe()
	if err != nil {
		return 0, dbus.MakeFailedError(err)
	}
	l.machine.mu.Lock()
	defer l.machine.mu.Unlock()
	l.machine.locks, l.machine.given = append(l.machine.locks, ours), append(l.machine.given, theirs)
	l.machine.asked = append(l.machine.asked, who+" "+mode+"s "+what)
	return dbus.UnixFD(theirs.Fd()), nil
}

type systemd struct{ machine *machine }

// KillUnit has logind read its drop-ins.
func (s systemd) KillUnit(unit, who string, signal int32) *dbus.Error {
	text, err := os.ReadFile(filepath.Join(s.machine.dropIns, dropInFile))
	if err != nil || unit != "systemd-logind.service" || who != "all" || signal != 1 {
		return dbus.MakeFailedError(errors.New("nobody should ask for this"))
	}
	if strings.Contains(string(text), "InhibitDelayMaxSec=30\n") {
		s.machine.properties.SetMust(logindAPI, "InhibitDelayMaxUSec", uint64(30*time.Second/time.Microsecond))
	}
	return nil
}

func TestLogindHoldsAShutdownBack(t *testing.T) {
	m := startMachine(t)
	inhibitor, err := Logind{Address: m.address, DropIns: m.dropIns}.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = inhibitor.Close() }()
	if delay, err := inhibitor.Delay(t.Context()); err != nil || delay != 5*time.Second {
		t.Errorf("it can be held back for %s (%v)", delay, err)
	}
	if err := inhibitor.RaiseDelay(t.Context(), 30*time.Second); err != nil {
		t.Error(err)
	}
	if delay, err := inhibitor.Delay(t.Context()); err != nil || delay != 30*time.Second {
		t.Errorf("after it was raised it can be held back for %s (%v)", delay, err)
	}
	shutdowns, err := inhibitor.Shutdowns(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lock, err := inhibitor.Inhibit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, down := range []bool{true, false} {
		if err := m.connection.Emit(logindPath, logindAPI+"."+aboutToGo, down); err != nil {
			t.Fatal(err)
		}
		select {
		case told := <-shutdowns:
			if told != down {
				t.Errorf("it is told %t, want %t", told, down)
			}
		case <-time.After(await.Deadline):
			t.Fatalf("nothing is heard of a shutdown: %t", down)
		}
	}
	if err := errors.Join(m.given[0].Close(), lock.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := m.locks[0].Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the lock was let go, and logind reads %v", err)
	}
	if got := strings.Join(m.asked, ", "); got != "kubelet delays shutdown" {
		t.Errorf("it was asked for %q", got)
	}
	if err := m.connection.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAMachineWithoutLogindHasNoInhibitor(t *testing.T) {
	if _, err := (Logind{Address: "unix:path=" + filepath.Join(t.TempDir(), "none")}).Connect(t.Context()); !errors.Is(err, ErrNone) {
		t.Errorf("without a bus: %v", err)
	}
	if _, err := (Logind{Address: startBus(t)}).Connect(t.Context()); !errors.Is(err, ErrNone) {
		t.Errorf("on a bus without logind: %v", err)
	}
}
