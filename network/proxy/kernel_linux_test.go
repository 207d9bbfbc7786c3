package proxy

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
	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
)

// TestKernel has the kernel itself do what the tables say, in a network namespace where two endpoints and a client are addresses of
// the loopback device.
func TestKernel(t *testing.T) {
	needsKernel(t)
	for _, naming := range []apis.Naming{apis.Kubernetes, apis.Orrery} {
		t.Run(string(naming)+": a UDP flow moves when its endpoint is gone", func(t *testing.T) {
			h := newHost(t, naming)
			first, second := h.listen("10.84.0.5:8080"), h.listen("10.84.0.6:8080")
			h.create(udpService(), udpSlice("10.84.0.5"))
			h.sync()

			client := h.dial("10.96.0.10:80")
			send(t, client, "one")
			receive(t, first, "one")

			h.replace(udpSlice("10.84.0.6"))
			h.sync()
			send(t, client, "two")
			receive(t, second, "two")
		})

		t.Run(string(naming)+": a UDP flow finds the first endpoint of a service that had none", func(t *testing.T) {
			h := newHost(t, naming)
			server := h.listen("10.84.0.5:8080")
			h.create(udpService())
			h.sync()

			client := h.dial("10.96.0.10:80")
			_, _ = client.Write([]byte("lost")) // it may be refused at once, or after a while

			h.create(udpSlice("10.84.0.5"))
			h.sync()
			if _, err := client.Write([]byte("found")); err != nil { // which is about the one before
				send(t, client, "found")
			}
			receive(t, server, "found")
		})
	}

	t.Run("a UDP flow ends when its Service is deleted", func(t *testing.T) {
		h := newHost(t, apis.Kubernetes)
		server := h.listen("10.84.0.5:8080")
		h.create(udpService(), udpSlice("10.84.0.5"))
		h.sync()
		client := h.dial("10.96.0.10:80")
		send(t, client, "one")
		receive(t, server, "one")

		if err := h.api.Delete(t.Context(), udpService()); err != nil {
			t.Fatal(err)
		}
		h.sync()
		_, _ = client.Write([]byte("two")) // it may be refused at once, or after a while
		if n := count(t, server); n > 0 {
			t.Errorf("%d packets reach an endpoint of a Service that is gone", n)
		}
	})

	t.Run("a load balancer's address is reached from where it may be", func(t *testing.T) {
		h := newHost(t, apis.Kubernetes)
		server := h.listen("10.84.0.5:8080")
		open, shut := udpService(), udpService()
		balanced("10.84.0.0/16")((*corev1.Service)(open))
		balanced("192.0.2.0/24")((*corev1.Service)(shut))
		h.create(open, udpSlice("10.84.0.5"))
		h.sync()
		send(t, h.dial("10.84.254.1:80"), "hello")
		receive(t, server, "hello")

		h.replace(shut)
		h.sync()
		_, _ = h.dial("10.84.254.1:80").Write([]byte("hello")) // the kernel says that it may not
		if n := count(t, server); n > 0 {
			t.Errorf("%d packets come from where none may", n)
		}
	})

	t.Run("a client with affinity stays with its endpoint", func(t *testing.T) {
		h := newHost(t, apis.Kubernetes)
		servers := map[string]net.PacketConn{"5": h.listen("10.84.0.5:8080"), "6": h.listen("10.84.0.6:8080")}
		service := udpService()
		service.Spec.SessionAffinity = corev1.ServiceAffinityClientIP
		h.create(service, udpSlice("10.84.0.5", "10.84.0.6"))
		h.sync()

		// The sets of clients remember: of twenty flows by one client all go to one endpoint. Without affinity they would with a
		// probability of one in half a million.
		for range 20 {
			send(t, h.dial("10.96.0.10:80"), "hello")
		}
		got := map[string]int{}
		for name, server := range servers {
			got[name] = count(t, server)
		}
		if got["5"]+got["6"] != 20 || got["5"] != 0 && got["6"] != 0 {
			t.Errorf("the endpoints got %v, want all 20 at one", got)
		}
	})

	t.Run("a table that somebody removed comes back", func(t *testing.T) {
		h := newHost(t, apis.Kubernetes)
		server := h.listen("10.84.0.5:8080")
		h.create(udpService(), udpSlice("10.84.0.5"))
		h.sync()
		if said, err := exec.Command("nft", "flush", "ruleset").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		h.sync()
		send(t, h.dial("10.96.0.10:80"), "hello")
		receive(t, server, "hello")
	})

	t.Run("nothing is left when the proxy is removed, and removing it again is no error", func(t *testing.T) {
		h := newHost(t, apis.Kubernetes)
		h.sync()
		for range 2 {
			if err := h.proxy.Remove(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if said, err := exec.Command("nft", "list", "tables").CombinedOutput(); err != nil || len(said) > 0 {
			t.Errorf("tables are left: %s (%v)", said, err)
		}
	})
}

func needsKernel(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("making network namespaces needs root")
	}
	if _, err := exec.LookPath("nft"); err != nil {
		t.Skip("there is no nft program")
	}
}

// host is a network namespace with a proxy.
type host struct {
	t     testing.TB
	api   client.Client
	proxy *Proxy
}

// newHost moves the test's thread, which ends with the test, into a new network namespace.
func newHost(t testing.TB, naming apis.Naming) *host {
	t.Helper()
	goruntime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	loopback, err := netlink.LinkByName("lo")
	if err == nil {
		err = netlink.LinkSetUp(loopback)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"10.84.0.5/32", "10.84.0.6/32", "10.84.0.7/32", "fd00::a54:5/128", "fd00::a54:6/128", "fd00::a54:7/128"} {
		parsed, err := netlink.ParseAddr(address)
		if err == nil {
			parsed.Flags = unix.IFA_F_NODAD // there at once
			err = netlink.AddrAdd(loopback, parsed)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	world := worldOf()
	for _, to := range []string{world.ServiceCIDRs[0].String(), "10.84.254.0/24", twinRange(world.ServiceCIDRs[0]).String()} {
		_, services, err := net.ParseCIDR(to)
		if err == nil {
			err = netlink.RouteAdd(&netlink.Route{LinkIndex: loopback.Attrs().Index, Dst: services})
		}
		if err != nil {
			t.Fatal(err)
		}
	}

	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, naming); err != nil {
		t.Fatal(err)
	}
	h := &host{t: t, api: fake.NewClientBuilder().WithScheme(scheme).Build()}
	h.proxy, err = New(Options{Name: "test", NodeName: "here", ClusterCIDRs: dual(world).ClusterCIDRs, ServiceCIDRs: dual(world).ServiceCIDRs}, h.api)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *host) sync() {
	h.t.Helper()
	if err := h.proxy.Sync(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) create(objects ...client.Object) {
	h.t.Helper()
	for _, object := range objects {
		if err := h.api.Create(h.t.Context(), object); err != nil {
			h.t.Fatal(err)
		}
	}
}

func (h *host) replace(object client.Object) {
	h.t.Helper()
	if err := h.api.Delete(h.t.Context(), object); err != nil {
		h.t.Fatal(err)
	}
	h.create(object)
}

func (h *host) listen(address string) net.PacketConn {
	h.t.Helper()
	server, err := net.ListenPacket("udp", address)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = server.Close() }) // nothing is waited for
	return server
}

// dial is a flow of its own, from a port of its own.
func (h *host) dial(address string) net.Conn {
	h.t.Helper()
	from := netip.MustParseAddr("10.84.0.7")
	if netip.MustParseAddrPort(address).Addr().Is6() {
		from = twinOf(from)
	}
	dialer := net.Dialer{LocalAddr: &net.UDPAddr{IP: from.AsSlice()}}
	flow, err := dialer.Dial("udp", address)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = flow.Close() }) // nothing is waited for
	return flow
}

func send(t *testing.T, flow net.Conn, text string) {
	t.Helper()
	if _, err := flow.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, server net.PacketConn, want string) {
	t.Helper()
	got, err := read(server, 10*time.Second)
	if err != nil || got != want {
		t.Fatalf("%s received %q (%v), want %q", server.LocalAddr(), got, err, want)
	}
}

// count is how many packets have come. On the loopback device a packet has come when it is sent.
func count(t *testing.T, server net.PacketConn) int {
	t.Helper()
	for n := 0; ; n++ {
		if _, err := read(server, 50*time.Millisecond); err != nil {
			return n
		}
	}
}

func read(server net.PacketConn, patience time.Duration) (string, error) {
	buffer := make([]byte, 64)
	if err := server.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	n, _, err := server.ReadFrom(buffer)
	if err != nil {
		return "", fmt.Errorf("after %s: %w", patience, err)
	}
	return string(buffer[:n]), nil
}

func udpService() *ocorev1.Service {
	return &ocorev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "dns"},
		Spec: corev1.ServiceSpec{
			ClusterIP: "10.96.0.10", ClusterIPs: []string{"10.96.0.10"},
			Ports: []corev1.ServicePort{{Name: "dns", Protocol: corev1.ProtocolUDP, Port: 80}},
		},
	}
}

func udpSlice(ips ...string) *odiscoveryv1.EndpointSlice {
	s := &odiscoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: "default", Name: "dns-x", Labels: map[string]string{discoveryv1.LabelServiceName: "dns"}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: ptr.To("dns"), Protocol: ptr.To(corev1.ProtocolUDP), Port: ptr.To[int32](8080)}},
	}
	for _, ip := range ips {
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{ip}, NodeName: ptr.To("here")})
	}
	return s
}
