package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"testing"

	"github.com/orrery-dev/orrery/network/segment"
)

// layCable lays a link, of addresses that nobody else has, on which machines can be. Its end here is this machine's.
func layCable(t *testing.T, name, addresses string) *segment.Segment {
	t.Helper()
	link, name := netip.MustParsePrefix(addresses), fmt.Sprintf("%s-%d", name, os.Getpid())
	s, err := segment.New(segment.Options{Name: name, Ranges: []netip.Prefix{link}, ClusterCIDRs: []netip.Prefix{link}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := segment.Remove(context.Background(), name); err != nil {
			t.Error(err)
		}
	})
	if err := s.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// otherMachine is another machine, as far as a network can tell: a network namespace with a cable to this one, and another name.
type otherMachine struct {
	t    *testing.T
	net  *segment.Segment
	n    int // in the segment
	name string
	// dir is its data directory, instance the name of what the program runs there.
	dir, instance string
	// program is the path of the program there.
	program string
}

// newOtherMachine puts a machine on a link.
func newOtherMachine(t *testing.T, link *segment.Segment, n int, name, instance string) otherMachine {
	t.Helper()
	if err := link.Join(n); err != nil {
		t.Fatal(err)
	}
	return otherMachine{t: t, net: link, n: n, name: name, dir: t.TempDir(), instance: instance, program: binary}
}

// start starts the program there.
func (m *otherMachine) start(log *os.File, args ...string) *exec.Cmd {
	m.t.Helper()
	c := exec.Command(m.program, args...)
	c.Env = append(os.Environ(), "ORRERY_DATA_DIR="+m.dir, "ORRERY_NAME="+m.instance, "KUBECONFIG=")
	c.Stdout, c.Stderr = log, log
	if err := m.net.Start(m.n, m.name, c); err != nil {
		m.t.Fatal(err)
	}
	return c
}

// says runs the program there until it ends, and is what it said.
func (m *otherMachine) says(args ...string) (string, error) {
	m.t.Helper()
	log, err := os.CreateTemp(m.t.TempDir(), "said")
	if err != nil {
		m.t.Fatal(err)
	}
	defer func() { _ = log.Close() }() // it is read by its name
	ended := m.start(log, args...).Wait()
	said, err := os.ReadFile(log.Name())
	if err != nil {
		m.t.Fatal(err)
	}
	return string(said), ended
}
