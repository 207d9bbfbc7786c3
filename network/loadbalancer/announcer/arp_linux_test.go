package announcer

import (
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// TestNeighboursLearnWhoAnswers has two machines on one link, network namespaces with a cable between them: one announces an address, and
// the other comes to know it by that, and by asking.
func TestNeighboursLearnWhoAnswers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("making network namespaces needs root")
	}
	here, there := cable(t)
	address := netip.MustParseAddr("192.0.2.240")
	m := &machine{responders: map[string]*responder{}}
	a := Announcement{address, "here"}
	if err := m.begin(a); err != nil {
		t.Fatal(err)
	}
	if links, err := m.links(); err != nil || len(links) != 1 || links[0].Name != "here" {
		t.Errorf("the links are %v (%v)", links, err)
	}
	if present := m.present(); len(present) != 1 || present[0] != a {
		t.Errorf("what it answers for is %v", present)
	}
	own := here.Attrs().HardwareAddr.String()
	if got := there.ask(t, address); got != own {
		t.Errorf("asked, it is answered by %q, want %q", got, own)
	}

	old := net.HardwareAddr{2, 0, 0, 0, 0, 9}
	there.believe(t, address, old)
	if err := m.begin(a); err != nil {
		t.Fatal(err)
	}
	await(t, "the neighbour to heed a gratuitous answer", func() bool { return there.knows(t, address) == own })

	if err := m.end(a); err != nil {
		t.Fatal(err)
	}
	if len(m.responders) != 0 {
		t.Error("it still listens")
	}
	there.forget(t, address)
	if got := there.ask(t, address); got != "" {
		t.Errorf("after it fell silent it is answered by %s", got)
	}
}

// neighbour is the other end of the cable.
type neighbour struct {
	*netlink.Handle
	link netlink.Link
	ns   netns.NsHandle
}

// cable moves the test's thread, which ends with the test, into a new network namespace, that has a cable to another.
func cable(t *testing.T) (netlink.Link, neighbour) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	runtime.LockOSThread()
	other, err := netns.New() // and we are in it
	must(err)
	t.Cleanup(func() { _ = other.Close() })
	must(unix.Unshare(unix.CLONE_NEWNET))
	must(netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "here"}, PeerName: "there", PeerNamespace: netlink.NsFd(other)}))
	handle, err := netlink.NewHandleAt(other)
	must(err)
	t.Cleanup(handle.Close)
	here, err := netlink.LinkByName("here")
	must(err)
	there, err := handle.LinkByName("there")
	must(err)
	must(netlink.AddrAdd(here, address(t, "192.0.2.1/24")))
	must(handle.AddrAdd(there, address(t, "192.0.2.2/24")))
	must(netlink.LinkSetUp(here))
	must(handle.LinkSetUp(there))
	return here, neighbour{handle, there, other}
}

func address(t *testing.T, text string) *netlink.Addr {
	t.Helper()
	a, err := netlink.ParseAddr(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// ask has the neighbour send a packet to an address, and is the hardware address that it learns for it; empty if nobody answers.
func (n neighbour) ask(t *testing.T, ip netip.Addr) string {
	t.Helper()
	done := make(chan error)
	go func() { // on a thread that ends with it
		runtime.LockOSThread()
		err := netns.Set(n.ns)
		if err == nil {
			var flow net.Conn
			if flow, err = net.Dial("udp4", netip.AddrPortFrom(ip, 9).String()); err == nil {
				_, err = flow.Write([]byte("hello"))
				_ = flow.Close()
			}
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	var knows string
	await(t, "the neighbour to have asked", func() bool {
		knows = n.knows(t, ip)
		return knows != "" || n.state(t, ip)&(netlink.NUD_FAILED) != 0
	})
	return knows
}

func (n neighbour) entry(t *testing.T, ip netip.Addr) *netlink.Neigh {
	t.Helper()
	all, err := n.NeighList(n.link.Attrs().Index, netlink.FAMILY_V4)
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		if all[i].IP.String() == ip.String() {
			return &all[i]
		}
	}
	return nil
}

func (n neighbour) knows(t *testing.T, ip netip.Addr) string {
	t.Helper()
	if e := n.entry(t, ip); e != nil && e.State&netlink.NUD_FAILED == 0 {
		return e.HardwareAddr.String()
	}
	return ""
}

func (n neighbour) state(t *testing.T, ip netip.Addr) int {
	t.Helper()
	if e := n.entry(t, ip); e != nil {
		return e.State
	}
	return 0
}

// believe has the neighbour think that another machine has an address.
func (n neighbour) believe(t *testing.T, ip netip.Addr, mac net.HardwareAddr) {
	t.Helper()
	if err := n.NeighSet(&netlink.Neigh{LinkIndex: n.link.Attrs().Index, IP: ip.AsSlice(), HardwareAddr: mac, State: netlink.NUD_STALE}); err != nil {
		t.Fatal(err)
	}
}

func (n neighbour) forget(t *testing.T, ip netip.Addr) {
	t.Helper()
	if err := n.NeighDel(&netlink.Neigh{LinkIndex: n.link.Attrs().Index, IP: ip.AsSlice()}); err != nil {
		t.Fatal(err)
	}
}

// await fails the test if something does not hold within some seconds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick, end := time.NewTicker(5*time.Millisecond), time.After(10*time.Second)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("after 10 s it still waits for %s", what)
		}
	}
}
