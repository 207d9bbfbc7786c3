package runtime

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

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
	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/network/ipfamily"
	"github.com/orrery-dev/orrery/network/proxy"
)

// cluster is the API as far as the proxy reads it.
func cluster(t *testing.T) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().WithScheme(scheme).Build()
}

// expose creates a Service with a cluster IP and a node port, and its endpoints.
func expose(t *testing.T, api client.Client, name string, ip netip.Addr, nodePort int32, endpoints ...netip.AddrPort) {
	t.Helper()
	service := &ocorev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeNodePort, ClusterIP: ip.String(), ClusterIPs: []string{ip.String()},
			Ports: []corev1.ServicePort{{Port: 80, NodePort: nodePort}},
		},
	}
	if err := api.Create(t.Context(), service); err != nil {
		t.Fatal(err)
	}
	for i, endpoint := range endpoints {
		slice := &odiscoveryv1.EndpointSlice{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "default", Name: fmt.Sprintf("%s-%d", name, i), Labels: map[string]string{discoveryv1.LabelServiceName: name},
			},
			AddressType: ipfamily.Of(ip).AddressType(),
			Ports:       []discoveryv1.EndpointPort{{Name: ptr.To(""), Port: ptr.To(int32(endpoint.Port()))}},
			Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{endpoint.Addr().String()}, NodeName: ptr.To("here")}},
		}
		if err := api.Create(t.Context(), slice); err != nil {
			t.Fatal(err)
		}
	}
}

// nth is an address of a range.
func nth(p netip.Prefix, n int) netip.Addr {
	a := p.Addr().AsSlice()
	a[len(a)-1] += byte(n)
	address, _ := netip.AddrFromSlice(a)
	return address
}

// inURL is an address as it stands in a URL, and before a port.
func inURL(address netip.Addr) string {
	if address.Is6() {
		return "[" + address.String() + "]"
	}
	return address.String()
}

func TestServices(t *testing.T) { onEachHost(t, testServices) }

func testServices(t *testing.T) {
	n := newNode(t)
	api := cluster(t)
	p, err := proxy.New(proxy.Options{Name: n.name, NodeName: "here", ClusterCIDRs: n.pods, ServiceCIDRs: n.services}, api)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Remove(context.Background()); err != nil {
			t.Error(err)
		}
	})

	served := served{n, api, p, n.runPod("one"), n.runPod("two")}
	for i, family := range ipfamily.All {
		t.Run("by "+string(family), func(t *testing.T) { served.test(t, family, i) })
	}
}

// served is a node with two pods, and a proxy for their services.
type served struct {
	*node
	api      client.Client
	proxy    *proxy.Proxy
	one, two pod
}

// test asks services in one family, of which pods and gateways have the ith address.
func (n served) test(t *testing.T, family ipfamily.Family, i int) {
	api, p, one, two := n.api, n.proxy, n.one, n.two
	services, gateway, named := family.Range(n.services), n.network.Gateways()[i], func(name string) string { return name + family.Suffix() }
	web := func(p pod) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr(p.ips[i]), 8080) }
	api443 := serveOnGateway(t, gateway)
	nodePort := freePort(t)
	expose(t, api, named("web"), nth(services, 10), nodePort, web(one), web(two))
	expose(t, api, named("self"), nth(services, 11), 0, web(one))
	expose(t, api, named("nobody"), nth(services, 12), 0)
	expose(t, api, named("kubernetes"), nth(services, 1), 0, api443)
	if err := p.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}

	t.Run("a cluster IP reaches every endpoint, from this node", func(t *testing.T) {
		reachesBoth(t, "http://"+inURL(nth(services, 10))+"/")
	})
	t.Run("a node port reaches every endpoint, on the node's own addresses", func(t *testing.T) {
		reachesBoth(t, fmt.Sprintf("http://%s:%d/", inURL(gateway), nodePort))
	})
	t.Run("a pod reaches another through a service, and is seen under its own address", func(t *testing.T) {
		said, err := n.exec(two, "/web", "wget", inURL(nth(services, 11)))
		if err != nil || !strings.Contains(said, "Hello from one") || !strings.Contains(said, "From: "+inURL(web(two).Addr())+":") {
			t.Errorf("the service said %q (%v), want one to see %s", said, err, two.ips[i])
		}
	})
	t.Run("a pod reaches another, and is seen under its own address", func(t *testing.T) {
		said, err := n.exec(two, "/web", "wget", "http://"+web(one).String()+"/")
		if err != nil || !strings.Contains(said, "Hello from one") || !strings.Contains(said, "From: "+inURL(web(two).Addr())+":") {
			t.Errorf("it said %q (%v), want one to see %s", said, err, two.ips[i])
		}
	})
	t.Run("a pod reaches itself through its service", func(t *testing.T) {
		if said, err := n.exec(one, "/web", "wget", inURL(nth(services, 11))); err != nil || !strings.Contains(said, "Hello from one") {
			t.Errorf("the service said %q (%v)", said, err)
		}
	})
	t.Run("a pod reaches a server on the gateway's address through a service, as the API server is", func(t *testing.T) {
		if said, err := n.exec(one, "/web", "wget", inURL(nth(services, 1))); err != nil || !strings.Contains(said, "the server of the node") {
			t.Errorf("the service said %q (%v)", said, err)
		}
	})
	for name, ip := range map[string]netip.Addr{"without endpoints": nth(services, 12), "that does not exist": nth(services, 99)} {
		t.Run("a service "+name+" refuses at once", func(t *testing.T) {
			started := time.Now()
			if _, err := n.exec(one, "/web", "wget", inURL(ip)); err == nil || !strings.Contains(err.Error(), "refused") {
				t.Errorf("from a pod: %v", err)
			}
			if _, err := net.DialTimeout("tcp", inURL(ip)+":80", patience); err == nil || !strings.Contains(err.Error(), "refused") {
				t.Errorf("from the node: %v", err)
			}
			if took := time.Since(started); took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
	t.Run("an endpoint that goes away gets no new connection", func(t *testing.T) {
		slice := &odiscoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: named("web") + "-0"}}
		if err := api.Delete(t.Context(), slice); err != nil {
			t.Fatal(err)
		}
		if err := p.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			if said := get(t, "http://"+inURL(nth(services, 10))+"/"); !strings.Contains(said, "Hello from two") {
				t.Fatalf("it said %q", said)
			}
		}
	})
}

// reachesBoth asks until both pods have answered.
func reachesBoth(t *testing.T, url string) {
	t.Helper()
	seen := map[string]bool{}
	await.Success(t, "both pods have answered", func() error {
		for _, name := range []string{"one", "two"} {
			if strings.Contains(get(t, url), "Hello from "+name) {
				seen[name] = true
			}
		}
		if len(seen) < 2 {
			return fmt.Errorf("only %v have answered", seen)
		}
		return nil
	})
}

// serveOnGateway serves HTTP on an address of the node, and says where.
func serveOnGateway(t *testing.T, gateway netip.Addr) netip.AddrPort {
	t.Helper()
	listener, err := net.Listen("tcp", netip.AddrPortFrom(gateway, 0).String())
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "the server of the node") // the client sees when it is missing
	})}
	go func() { _ = server.Serve(listener) }() // it ends with Close
	t.Cleanup(func() { _ = server.Close() })
	return netip.MustParseAddrPort(listener.Addr().String())
}

// freePort is a port for nodes that nobody listens on.
func freePort(t *testing.T) int32 {
	t.Helper()
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }() // its number is all that we want
	return int32(listener.Addr().(*net.TCPAddr).Port)
}
