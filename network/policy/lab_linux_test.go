package policy

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	goruntime "runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// lab is a network namespace that forwards between others, each with an address of each family: pods of this node, of other nodes, and
// who is no pod.
type lab struct {
	t     testing.TB
	ends  map[netip.Addr]*end
	links int
}

// router is the address at which ends have the namespace that forwards, in IPv6; in IPv4 it answers for everybody.
var router = netip.MustParseAddr("fe80::1")

// end is the sockets that are open at an address.
type end struct {
	listeners map[int]*net.UDPConn
	speaker   *net.UDPConn
}

// newLab moves the test's thread, which ends with the test, into a new network namespace.
func newLab(t testing.TB) *lab {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("making network namespaces needs root")
	}
	if _, err := exec.LookPath("nft"); err != nil {
		t.Skip("there is no nft program")
	}
	goruntime.LockOSThread()
	must(t, unix.Unshare(unix.CLONE_NEWNET))
	setting(t, "ipv4/ip_forward", "1")
	setting(t, "ipv6/conf/all/forwarding", "1")
	return &lab{t: t, ends: map[netip.Addr]*end{}}
}

// add joins a namespace that listens at some ports of its addresses.
func (l *lab) add(addresses []netip.Addr, ports ...int) {
	l.t.Helper()
	l.links++
	name := fmt.Sprintf("end%d", l.links)
	made, left := make(chan netns.NsHandle), make(chan struct{})
	opened := make(chan map[netip.Addr]*end)
	go func() { // its thread is not given back, and ends
		goruntime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			made <- netns.None()
			return
		}
		own, err := netns.Get()
		if err != nil {
			own = netns.None()
		}
		made <- own
		<-left // until there are addresses
		all := map[netip.Addr]*end{}
		for _, address := range addresses {
			all[address] = open(address, ports)
		}
		opened <- all
	}()
	own := <-made
	if !own.IsOpen() {
		l.t.Fatal("making a network namespace failed")
	}
	must(l.t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name}, PeerName: "eth0", PeerNamespace: netlink.NsFd(own)}))
	inside, err := netlink.NewHandleAt(own)
	must(l.t, err)
	defer inside.Close()
	eth0, err := inside.LinkByName("eth0")
	must(l.t, err)
	link, err := netlink.LinkByName(name)
	must(l.t, err)
	must(l.t, inside.LinkSetUp(eth0))
	must(l.t, netlink.LinkSetUp(link))
	must(l.t, netlink.AddrAdd(link, &netlink.Addr{IPNet: &net.IPNet{IP: router.AsSlice(), Mask: net.CIDRMask(64, 128)}, Flags: unix.IFA_F_NODAD}))
	for _, address := range addresses {
		must(l.t, inside.AddrAdd(eth0, &netlink.Addr{IPNet: only(address), Flags: unix.IFA_F_NODAD}))
		out := &netlink.Route{LinkIndex: eth0.Attrs().Index, Scope: netlink.SCOPE_LINK, Dst: &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)}}
		if address.Is6() {
			out = &netlink.Route{LinkIndex: eth0.Attrs().Index, Gw: router.AsSlice(), Dst: &net.IPNet{IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)}}
		}
		must(l.t, inside.RouteAdd(out))
		must(l.t, netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Scope: netlink.SCOPE_LINK, Dst: only(address)}))
	}
	setting(l.t, "ipv4/conf/"+name+"/proxy_arp", "1")
	setting(l.t, "ipv4/neigh/"+name+"/proxy_delay", "0")
	close(left)
	l.t.Cleanup(func() { _ = own.Close() })
	for address, e := range <-opened {
		if e == nil {
			l.t.Fatalf("opening sockets at %s failed", address)
		}
		l.ends[address] = e
		l.t.Cleanup(func() {
			for _, socket := range e.listeners {
				_ = socket.Close() // nothing is waited for
			}
			_ = e.speaker.Close()
		})
	}
}

// open opens the sockets of an end, in the namespace of the thread that calls; nil if that fails.
func open(address netip.Addr, ports []int) *end {
	e := &end{listeners: map[int]*net.UDPConn{}}
	listen := func(port int) *net.UDPConn {
		socket, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(address, uint16(port))))
		if err != nil {
			return nil
		}
		return socket
	}
	for _, port := range ports {
		if e.listeners[port] = listen(port); e.listeners[port] == nil {
			return nil
		}
	}
	if e.speaker = listen(0); e.speaker == nil {
		return nil
	}
	return e
}

// send sends a word from one end to another, and does not know whether it comes.
func (l *lab) send(from, to netip.Addr, port int, word string) {
	l.t.Helper()
	_, err := l.ends[from].speaker.WriteToUDPAddrPort([]byte(word), netip.AddrPortFrom(to, uint16(port)))
	must(l.t, err)
}

// receive is the next word that an end was sent.
func (l *lab) receive(at netip.Addr, port int, patience time.Duration) (string, bool) {
	buffer := make([]byte, 64)
	socket := l.ends[at].listeners[port]
	must(l.t, socket.SetReadDeadline(time.Now().Add(patience)))
	n, _, err := socket.ReadFromUDPAddrPort(buffer)
	return string(buffer[:n]), err == nil
}

func only(address netip.Addr) *net.IPNet {
	return &net.IPNet{IP: address.AsSlice(), Mask: net.CIDRMask(address.BitLen(), address.BitLen())}
}

func setting(t testing.TB, name, value string) {
	t.Helper()
	must(t, os.WriteFile("/proc/sys/net/"+name, []byte(value), 0o644))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
