package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/internal/await"
)

func TestLoopback(t *testing.T) { onEachHost(t, testLoopback) }

// testLoopback: for a host port to be reached at the host's loopback address, the kernel has to route that address from and to the
// pods' bridge. A pod that may change its network must gain nothing by it.
func testLoopback(t *testing.T) {
	n := newNode(t)
	p := n.runPod("attacker", withPort(18080, 8080))
	heard := listen(t)
	gateway := n.network.Gateway().String() + heard.port

	t.Run("the host reaches a host port at its loopback address", func(t *testing.T) {
		await.Success(t, "the pod answers", func() error {
			said, err := fetch("http://127.0.0.1:18080/")
			if err == nil && !strings.Contains(said, "Hello from attacker") {
				err = fmt.Errorf("it said %q", said)
			}
			return err
		})
	})
	t.Run("a pod's packets reach the host itself", func(t *testing.T) { // or the next ones show nothing
		if err := n.inPod(p, func() error { return send("hello", p.ip, gateway) }); err != nil {
			t.Fatal(err)
		}
		heard.only(t, "hello")
	})
	if err := n.inPod(p, func() error { return routeLoopback(n.network.Gateway()) }); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, from, to string }{
		{"a pod's packets do not reach the host's loopback address", p.ip, "127.0.0.1" + heard.port},
		{"nor do those that pretend to come from there", pretended, "127.0.0.1" + heard.port},
		{"nor do these reach any other address", pretended, gateway},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := n.inPod(p, func() error {
				return errors.Join(send("bad", test.from, test.to), send("good", p.ip, gateway))
			})
			if err != nil {
				t.Fatal(err)
			}
			heard.only(t, "good")
		})
	}
}

// listener hears UDP on all addresses of the host.
type listener struct {
	port  string
	texts chan string
}

func listen(t *testing.T) *listener {
	t.Helper()
	socket, err := net.ListenUDP("udp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{port: fmt.Sprintf(":%d", socket.LocalAddr().(*net.UDPAddr).Port), texts: make(chan string, 16)}
	t.Cleanup(func() { _ = socket.Close() }) // nobody talks to it any more
	go func() {
		buffer := make([]byte, 64)
		for {
			n, _, err := socket.ReadFromUDP(buffer)
			if err != nil {
				return
			}
			l.texts <- string(buffer[:n])
		}
	}()
	return l
}

// only waits for a packet, and says if another one came before.
func (l *listener) only(t *testing.T, wanted string) {
	t.Helper()
	select {
	case text := <-l.texts:
		if text != wanted {
			t.Errorf("the first packet says %q, want %q", text, wanted)
			l.only(t, wanted)
		}
	case <-time.After(patience):
		t.Fatalf("no packet came that says %q", wanted)
	}
}

// send sends one packet.
func send(text, from, to string) error {
	dialer := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(from)}}
	connection, err := dialer.Dial("udp4", to)
	if err != nil {
		return err
	}
	_, err = connection.Write([]byte(text))
	return errors.Join(err, connection.Close())
}

// pretended is a loopback address of the host from which a pod sends.
const pretended = "127.0.0.5"

// routeLoopback has the network namespace send what is for the loopback address to the gateway, as who has NET_ADMIN in it can.
func routeLoopback(gateway netip.Addr) error {
	eth0, err := netlink.LinkByName("eth0")
	if err != nil {
		return err
	}
	for _, parameter := range []string{"eth0/route_localnet", "all/route_localnet"} {
		if err := os.WriteFile("/proc/sys/net/ipv4/conf/"+parameter, []byte("1"), 0o644); err != nil {
			return err
		}
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	local, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{LinkIndex: lo.Attrs().Index, Table: unix.RT_TABLE_LOCAL},
		netlink.RT_FILTER_TABLE|netlink.RT_FILTER_OIF)
	if err != nil {
		return err
	}
	for i := range local {
		if err := netlink.RouteDel(&local[i]); err != nil {
			return err
		}
	}
	// Packets may leave with this source address, as those of a raw socket may.
	if err := netlink.AddrAdd(eth0, &netlink.Addr{IPNet: &net.IPNet{IP: net.ParseIP(pretended), Mask: net.CIDRMask(32, 32)}, Scope: int(netlink.SCOPE_HOST)}); err != nil {
		return err
	}
	_, everything, err := net.ParseCIDR("127.0.0.0/8")
	if err != nil {
		return err
	}
	return netlink.RouteReplace(&netlink.Route{LinkIndex: eth0.Attrs().Index, Dst: everything, Gw: gateway.AsSlice()})
}

// inPod runs a function on a thread that is in the pod's network namespace, and is never given back.
func (n *node) inPod(p pod, do func() error) error {
	answer, err := n.cri.ContainerStatus(n.t.Context(), &runtimeapi.ContainerStatusRequest{ContainerId: p.container, Verbose: true})
	if err != nil {
		return err
	}
	var info struct{ PID int }
	if err := json.Unmarshal([]byte(answer.GetInfo()["info"]), &info); err != nil {
		return err
	}
	namespace, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", info.PID))
	if err != nil {
		return err
	}
	defer func() { _ = namespace.Close() }() // it was only entered
	done := make(chan error)
	go func() {
		goruntime.LockOSThread()
		err := unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET)
		if err == nil {
			err = do()
		}
		done <- err
	}()
	return <-done
}
