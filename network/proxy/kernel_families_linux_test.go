package proxy

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
)

// TestKernelServesBothFamilies has the kernel do what the tables of dual-stack clusters say.
func TestKernelServesBothFamilies(t *testing.T) {
	needsKernel(t)
	const first, second = "[fd00::a54:5]:8080", "[fd00::a54:6]:8080"
	const clusterIP, clusterIPv4 = "[fd00::a60:a]:80", "10.96.0.10:80"
	one := protocol(corev1.ProtocolUDP, slice(at("10.84.0.5", "here")))
	two := protocol(corev1.ProtocolUDP, slice(at("10.84.0.6", "here")))

	t.Run("a Service of both is reached by each, at its addresses and at node ports", func(t *testing.T) {
		h := newHost(t, apis.Kubernetes)
		server, four := h.listen(first), h.listen("10.84.0.5:8080")
		h.createWorld(dual(worldOf(service(nodePort, overUDP), one)))
		h.sync()
		send(t, h.dial(clusterIP), "by IPv6")
		receive(t, server, "by IPv6")
		send(t, h.dial(clusterIPv4), "by IPv4")
		receive(t, four, "by IPv4")
		send(t, h.dial("[fd00::a54:6]:30080"), "at the node port")
		receive(t, server, "at the node port")
		send(t, h.dial("10.84.0.6:30080"), "at the node port")
		receive(t, four, "at the node port")
	})

	t.Run("a Service of IPv6 alone has no node port in IPv4", func(t *testing.T) {
		h := newHost(t, apis.Kubernetes)
		server := h.listen(first)
		h.createWorld(twin(worldOf(service(nodePort, overUDP), one)))
		h.sync()
		_, _ = h.dial("10.84.0.6:30080").Write([]byte("by IPv4")) // the kernel says that nobody listens
		send(t, h.dial("[fd00::a54:6]:30080"), "by IPv6")
		receive(t, server, "by IPv6")
	})

	t.Run("a UDP flow moves when its endpoint is gone", func(t *testing.T) {
		h := newHost(t, apis.Kubernetes)
		was, is := h.listen(first), h.listen(second)
		h.createWorld(dual(worldOf(service(overUDP), one)))
		h.sync()
		client := h.dial(clusterIP)
		send(t, client, "one")
		receive(t, was, "one")

		for _, s := range dual(worldOf(service(overUDP), two)).Slices {
			h.replace((*odiscoveryv1.EndpointSlice)(s))
		}
		h.sync()
		send(t, client, "two")
		receive(t, is, "two")
	})

	t.Run("a client with affinity stays with its endpoint", func(t *testing.T) {
		h := newHost(t, apis.Kubernetes)
		servers := []net.PacketConn{h.listen(first), h.listen(second)}
		h.createWorld(dual(worldOf(service(affine, overUDP), protocol(corev1.ProtocolUDP, slice(at("10.84.0.5", "here"), at("10.84.0.6", "here"))))))
		h.sync()
		for range 20 {
			send(t, h.dial(clusterIP), "hello")
		}
		if a, b := count(t, servers[0]), count(t, servers[1]); a+b != 20 || a != 0 && b != 0 {
			t.Errorf("the endpoints got %d and %d, want all 20 at one", a, b)
		}
	})

	t.Run("a Service without endpoints, and an address of no Service, refuse at once", func(t *testing.T) {
		h := newHost(t, apis.Kubernetes)
		h.createWorld(dual(worldOf(service())))
		h.sync()
		for _, to := range []string{clusterIP, "[fd00::a60:b]:80", clusterIPv4} {
			if _, err := net.DialTimeout("tcp", to, 10*time.Second); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("connecting to %s: %v, want that it is refused", to, err)
			}
		}
	})

	t.Run("node ports are served at the addresses that are chosen, and at no other", func(t *testing.T) {
		h := newHost(t, apis.Kubernetes)
		h.proxy.loop.options.NodePortAddresses = []netip.Prefix{netip.MustParsePrefix("fd00::a54:6/128")}
		server := h.listen(first)
		h.createWorld(dual(worldOf(service(nodePort, overUDP), one)))
		h.sync()
		for _, elsewhere := range []string{"[fd00::a54:7]:30080", "10.84.0.6:30080"} {
			_, _ = h.dial(elsewhere).Write([]byte("elsewhere")) // the kernel says that nobody listens
		}
		send(t, h.dial("[fd00::a54:6]:30080"), "here")
		receive(t, server, "here")
	})
}

// createWorld creates the Services and EndpointSlices of a world.
func (h *host) createWorld(w World) {
	h.t.Helper()
	for _, s := range w.Services {
		h.create((*ocorev1.Service)(s.DeepCopy()))
	}
	for _, s := range w.Slices {
		h.create((*odiscoveryv1.EndpointSlice)(s.DeepCopy()))
	}
}
