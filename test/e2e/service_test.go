package e2e

import (
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/internal/await"
)

// As a unit of systemd's with Type=notify runs it.
func TestAServiceIsReadyWhenAllOfItRuns(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "notify") //nolint:usetesting // the path of a socket is short, and the test's own name would be in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "socket")
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = systemd.Close() }() // the test is over
	p := newPlane(t)
	process := p.command("up", "--foreground", "--runtime", "simulated")
	process.Env = append(process.Env, "NOTIFY_SOCKET="+socket)
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = process.Process.Kill() }() // if it has not ended by then
	if err := systemd.SetReadDeadline(time.Now().Add(await.Deadline)); err != nil {
		t.Fatal(err)
	}
	message := make([]byte, 256)
	n, err := systemd.Read(message)
	if said := string(message[:n]); err != nil || said != "READY=1" {
		t.Errorf("the first that systemd hears is %q (%v), want READY=1", said, err)
	}
	p.orrery("status") // which fails unless all components run
	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := process.Wait(); err != nil {
		t.Errorf("it ends with %v: systemd would start it again", err)
	}
}
