package routes

import (
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
	kruntime "k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

// machine is a network namespace with a link eth0, whose other end is the router's, and a link pods with the first address of a range.
type machine struct {
	t    *testing.T
	do   chan func()
	here netns.NsHandle
}

// newMachine needs the test's thread to be in the router's namespace.
func newMachine(t *testing.T, name, address, pods string) *machine {
	t.Helper()
	m := &machine{t: t, do: make(chan func())}
	made := make(chan error)
	go func() { // its thread is not given back, and ends with the namespace
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			m.here, err = netns.Get()
		}
		made <- err
		for f := range m.do {
			f()
		}
	}()
	if err := <-made; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { close(m.do); _ = m.here.Close() })
	own := netip.MustParsePrefix(address)
	router := netip.PrefixFrom(own.Masked().Addr().Next(), own.Bits()) // the first of the range
	must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name}, PeerName: "eth0", PeerNamespace: netlink.NsFd(m.here)}))
	up(t, name, router)
	m.in(func() {
		up(t, "eth0", own)
		must(t, netlink.RouteAdd(&netlink.Route{Dst: ipNet(netip.MustParsePrefix("0.0.0.0/0")), Gw: router.Addr().AsSlice()}))
		must(t, netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "pods"}}))
		up(t, "pods", netip.MustParsePrefix(pods))
	})
	return m
}

// in does something in the machine's namespace, and waits for it.
func (m *machine) in(f func()) {
	m.t.Helper()
	done := make(chan struct{})
	m.do <- func() { defer close(done); f() }
	<-done
	if m.t.Failed() {
		m.t.FailNow()
	}
}

func up(t *testing.T, name string, address netip.Prefix) {
	link, err := netlink.LinkByName(name)
	must(t, err)
	n := ipNet(address)
	n.IP = address.Addr().AsSlice()
	must(t, netlink.AddrAdd(link, &netlink.Addr{IPNet: n}))
	must(t, netlink.LinkSetUp(link))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
		runtime.Goexit()
	}
}

// sync makes a pass on a machine, and says what the next one would do.
func (m *machine) sync(name string, overlay bool, api client.Reader) (next string) {
	m.in(func() {
		r := New(Options{NodeName: name, ClusterCIDRs: []netip.Prefix{netip.MustParsePrefix("10.84.0.0/16")}, Overlay: overlay}, api)
		must(m.t, r.Sync(m.t.Context()))
		var err error
		next, err = r.Inspector().Preview(m.t.Context(), "all")
		must(m.t, err)
	})
	return next
}

// hears says whether a packet from an address of one machine is heard at one of another, and from whom it then seems to be.
func hears(from, to *machine, source, target string, patience time.Duration) (seen string) {
	var listener net.PacketConn
	to.in(func() {
		var err error
		listener, err = net.ListenPacket("udp4", net.JoinHostPort(target, "7"))
		must(to.t, err)
	})
	defer func() { _ = listener.Close() }()
	from.in(func() {
		speaker, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.ParseIP(source)}, &net.UDPAddr{IP: net.ParseIP(target), Port: 7})
		if err != nil {
			return // no way leads there
		}
		defer func() { _ = speaker.Close() }()
		_, err = speaker.Write(make([]byte, 1400))
		must(from.t, err)
	})
	_ = listener.SetReadDeadline(time.Now().Add(patience))
	_, at, err := listener.ReadFrom(make([]byte, 2000))
	if err != nil {
		return ""
	}
	return at.(*net.UDPAddr).IP.String()
}

func TestPodsOfNodesOnDifferentLinksReachEachOther(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("making network namespaces needs root")
	}
	runtime.LockOSThread() // for good: the thread ends with the test, and the router's namespace with it
	must(t, unix.Unshare(unix.CLONE_NEWNET))
	must(t, os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0))
	one, two := newMachine(t, "to-one", "192.0.2.10/24", "10.84.0.1/24"), newMachine(t, "to-two", "198.51.100.20/24", "10.84.1.1/24")
	scheme := kruntime.NewScheme()
	must(t, apis.AddToScheme(scheme, apis.Kubernetes))
	nodes := []client.Object{(*ocorev1.Node)(node("one", "192.0.2.10", 0, "10.84.0.0/24")), (*ocorev1.Node)(node("two", "198.51.100.20", 1, "10.84.1.0/24"))}
	api := fake.NewClientBuilder().WithScheme(scheme).WithObjects(nodes...).Build()

	for _, sync := range []struct {
		machine *machine
		name    string
	}{{one, "one"}, {two, "two"}} {
		if next := sync.machine.sync(sync.name, true, api); !strings.HasPrefix(next, "nothing to do") {
			t.Errorf("a second pass of node %s would: %s", sync.name, next)
		}
	}
	if seen := hears(one, two, "10.84.0.1", "10.84.1.1", 10*time.Second); seen != "10.84.0.1" {
		t.Errorf("what pods of one send to pods of two comes from %q", seen)
	}
	if seen := hears(two, one, "10.84.1.1", "10.84.0.1", 10*time.Second); seen != "10.84.1.1" {
		t.Errorf("what pods of two send to pods of one comes from %q", seen)
	}
	if seen := hears(one, two, "", "10.84.1.1", 10*time.Second); seen != "10.84.0.1" {
		t.Errorf("what node one sends to pods of two comes from %q, to which answers would not come through the tunnel", seen)
	}

	// Somebody takes it away, and then half of it.
	one.in(func() {
		link, err := netlink.LinkByName("orr-vx-0a5400")
		must(t, err)
		must(t, netlink.LinkDel(link))
	})
	one.sync("one", true, api)
	one.in(func() {
		link, err := netlink.LinkByName("orr-vx-0a5400")
		must(t, err)
		must(t, netlink.NeighDel(&netlink.Neigh{LinkIndex: link.Attrs().Index, IP: net.IPv4(198, 51, 100, 20)}))
	})
	if next := one.sync("one", true, api); !strings.HasPrefix(next, "nothing to do") {
		t.Errorf("after what somebody did, a second pass would: %s", next)
	}
	if seen := hears(one, two, "10.84.0.1", "10.84.1.1", 10*time.Second); seen != "10.84.0.1" {
		t.Errorf("after it came back, what pods of one send to pods of two comes from %q", seen)
	}

	// The other node goes, or nobody wants it: nothing is left.
	must(t, api.Delete(t.Context(), nodes[1]))
	if next := one.sync("one", true, api); !strings.HasPrefix(next, "nothing to do") {
		t.Errorf("without node two, a second pass would: %s", next)
	}
	two.in(func() { must(t, Remove(netip.MustParsePrefix("10.84.0.0/16"))) })
	for name, m := range map[string]*machine{"one": one, "two": two} {
		m.in(func() {
			if _, err := netlink.LinkByName("orr-vx-0a5400"); err == nil {
				t.Errorf("node %s still has the device", name)
			}
		})
	}
}
