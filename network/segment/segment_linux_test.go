package segment

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// onMachine has the test run on a machine of its own: in a network namespace that ends with it.
func onMachine(t *testing.T) *Segment {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("making network namespaces needs root")
	}
	runtime.LockOSThread() // for good: the thread ends with the test
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	o := home()
	o.Name = "test-" + strings.ToLower(t.Name())
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := Remove(context.Background(), o.Name); err != nil {
			t.Error(err)
		}
	})
	return s
}

// in does something in the network namespace of a node.
func (s *Segment) in(t *testing.T, n int, do func() error) {
	t.Helper()
	file, err := openNamespace(Namespace(s.options.Name, n))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }() // the mount pins it
	if err := onOwnThread(func() error {
		return errors.Join(unix.Setns(int(file.Fd()), unix.CLONE_NEWNET), do())
	}); err != nil {
		t.Error(err)
	}
}

// listen listens in a node, and answers each caller with the address that it sees of him.
func (s *Segment) listen(t *testing.T, n int) (address string) {
	t.Helper()
	s.in(t, n, func() error {
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", netip.AddrPortFrom(s.Address(n), 0).String())
		if err != nil {
			return err
		}
		t.Cleanup(func() { _ = listener.Close() }) // nobody is served any more
		address = listener.Addr().String()
		go func() {
			for {
				caller, err := listener.Accept()
				if err != nil {
					return
				}
				host, _, _ := net.SplitHostPort(caller.RemoteAddr().String())
				_, _ = caller.Write([]byte(host)) // a caller that has gone hears nothing
				_ = caller.Close()
			}
		}()
		return nil
	})
	return address
}

// call is who a server says that called it.
func call(t *testing.T, address string) (string, error) {
	dialer := net.Dialer{Timeout: 10 * time.Second}
	server, err := dialer.DialContext(t.Context(), "tcp", address)
	if err != nil {
		return "", err
	}
	defer func() { _ = server.Close() }() // it was only read
	var said bytes.Buffer
	_, err = said.ReadFrom(server)
	return said.String(), err
}

func up(t *testing.T, s *Segment, nodes ...int) {
	t.Helper()
	if err := s.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		if err := s.Join(n); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNodesReachEachOther(t *testing.T) {
	s := onMachine(t)
	up(t, s, 2, 3)
	two := s.listen(t, 2)
	reaches := func(t *testing.T) {
		t.Helper()
		s.in(t, 3, func() error {
			if said, err := call(t, two); err != nil || said != s.Address(3).String() {
				t.Errorf("node 2 sees %q when node 3 calls (%v), want %s", said, err, s.Address(3))
			}
			return nil
		})
		if said, err := call(t, two); err != nil || said != s.Address(1).String() {
			t.Errorf("node 2 sees %q when the host calls (%v), want %s", said, err, s.Address(1))
		}
	}
	reaches(t)

	// Again changes nothing.
	up(t, s, 2, 3)
	reaches(t)

	// What was pulled out is plugged in again.
	port, err := netlink.LinkByName(PortName(s.options.Name, 2))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(netlink.LinkSetDown(port), netlink.LinkSetNoMaster(port)); err != nil {
		t.Fatal(err)
	}
	up(t, s, 2)
	reaches(t)

	// A cable that was cut is laid anew, to the namespace that is there.
	if err := netlink.LinkDel(port); err != nil {
		t.Fatal(err)
	}
	up(t, s, 2)
	reaches(t)
}

func TestStart(t *testing.T) {
	s := onMachine(t)
	up(t, s, 2)
	var out bytes.Buffer
	program := exec.CommandContext(t.Context(), "sh", "-c", "cat /proc/sys/kernel/hostname && cat /proc/net/dev")
	program.Stdout, program.Stderr = &out, &out
	if err := s.Start(2, "two", program); err != nil {
		t.Fatal(err)
	}
	if err := program.Wait(); err != nil {
		t.Fatal(err)
	}
	if said := out.String(); !strings.HasPrefix(said, "two\n") || !strings.Contains(said, uplink+":") {
		t.Errorf("the program sees\n%s", said)
	}
	if name, err := os.Hostname(); err != nil || name == "two" {
		t.Errorf("the host is called %s now (%v)", name, err)
	}
}

func TestRemoveLeavesNothing(t *testing.T) {
	s := onMachine(t)
	name := s.options.Name
	up(t, s, 2, 3)
	// Another's, whose name begins like ours.
	o := s.options
	o.Name += "-4"
	other, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	up(t, other, 2)

	if nodes, err := Nodes(name); err != nil || !slices.Equal(nodes, []int{2, 3}) {
		t.Errorf("the nodes are %v (%v)", nodes, err)
	}
	for range 2 {
		if err := Remove(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if nodes, err := Nodes(name); err != nil || len(nodes) > 0 {
		t.Errorf("the nodes are %v (%v)", nodes, err)
	}
	if nodes, err := Nodes(o.Name); err != nil || !slices.Equal(nodes, []int{2}) {
		t.Errorf("the other's nodes are %v (%v)", nodes, err)
	}
	if err := Remove(t.Context(), o.Name); err != nil {
		t.Fatal(err)
	}
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if strings.HasPrefix(link.Attrs().Name, "or") {
			t.Errorf("%s is left", link.Attrs().Name)
		}
	}
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err != nil || bytes.Contains(mounts, []byte(name)) {
		t.Errorf("mounts are left (%v):\n%s", err, mounts)
	}
}
