package dns

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	miekg "github.com/miekg/dns"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/apiserver/testserver"
	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/network/dns"
)

// cluster is an API server with two families of addresses, and a DNS server.
type cluster struct {
	t      *testing.T
	client kubernetes.Interface
	dns    wiring.DNS
	// resolvConf is the file with the resolvers of the machine.
	resolvConf string
}

func start(t *testing.T) *cluster {
	t.Helper()
	server := testserver.Start(t, apiserver.Options{
		Ephemeral: true, Logger: logr.Discard(), ClusterDomain: "a.test",
		Flags: []string{"--service-cluster-ip-range=10.96.0.0/16,fd10:96::/112"},
	})
	c := &cluster{t: t, client: kubernetes.NewForConfigOrDie(testserver.Config(t, server, identity.Admin))}
	c.resolvConf = filepath.Join(t.TempDir(), "resolv.conf")
	c.resolve(nil)
	var err error
	c.dns, err = wiring.NewDNS(wiring.Cluster{Config: testserver.Config(t, server, identity.DNS), Naming: apis.Kubernetes, Own: true, Log: logr.Discard()},
		dns.Options{
			NodeName: "one", Domain: "a.test", ServiceIP: netip.MustParseAddr("10.96.0.10"), Listen: netip.MustParseAddr("127.0.0.1"),
			ResolvConf: c.resolvConf,
		}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- c.dns.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("DNS ended with %v", err)
		}
	})
	select {
	case <-c.dns.Ready():
	case err := <-ended:
		t.Fatalf("DNS ended before it was ready: %v", err)
	}
	return c
}

// resolve writes the resolvers of the machine.
func (c *cluster) resolve(servers []string) {
	c.t.Helper()
	var text strings.Builder
	for _, server := range servers {
		text.WriteString("nameserver " + server + "\n")
	}
	if err := os.WriteFile(c.resolvConf, []byte(text.String()), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// ask is what is answered for a whole name: the records, sorted and without the time for which they may be kept, or the status.
func (c *cluster) ask(name, kind string) []string {
	c.t.Helper()
	answer, err := c.dns.Ask(c.t.Context(), name+".", kind, "")
	if err != nil {
		return []string{err.Error()}
	}
	var records []string
	for _, text := range answer.Records {
		record, err := miekg.NewRR(text)
		if err != nil {
			c.t.Fatal(err)
		}
		record.Header().Ttl = 0
		records = append(records, strings.Join(strings.Fields(strings.Replace(record.String(), "\t0\tIN\t", " ", 1)), " "))
	}
	if len(records) == 0 {
		return []string{answer.Status}
	}
	slices.Sort(records)
	return records
}

// answers waits until a name has the records that are wanted.
func (c *cluster) answers(name, kind string, want ...string) {
	c.t.Helper()
	await.Until(c.t, strings.Join(want, ", ")+" for "+kind+" "+name, func() (string, bool) {
		got := c.ask(name, kind)
		return strings.Join(got, ", "), slices.Equal(got, want)
	})
}

func (c *cluster) namespace(name string) {
	c.t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := c.client.CoreV1().Namespaces().Create(c.t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		c.t.Fatal(err)
	}
}

// service makes a Service of the namespace shop.
func (c *cluster) service(name string, spec corev1.ServiceSpec) {
	c.t.Helper()
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}
	if _, err := c.client.CoreV1().Services("shop").Create(c.t.Context(), s, metav1.CreateOptions{}); err != nil {
		c.t.Fatal(err)
	}
}

// slice makes an EndpointSlice of a Service of the namespace shop.
func (c *cluster) slice(service, name string, family discoveryv1.AddressType, endpoints ...discoveryv1.Endpoint) {
	c.t.Helper()
	s := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Name: name, Labels: map[string]string{discoveryv1.LabelServiceName: service}},
		AddressType: family,
		Endpoints:   endpoints,
		Ports:       []discoveryv1.EndpointPort{{Name: new("sql"), Protocol: new(corev1.ProtocolTCP), Port: new(int32(5432))}},
	}
	if _, err := c.client.DiscoveryV1().EndpointSlices("shop").Create(c.t.Context(), s, metav1.CreateOptions{}); err != nil {
		c.t.Fatal(err)
	}
}

// endpoint is one with a hostname, if that is not empty.
func endpoint(address, hostname string, ready bool) discoveryv1.Endpoint {
	e := discoveryv1.Endpoint{Addresses: []string{address}, Conditions: discoveryv1.EndpointConditions{Ready: &ready}}
	if hostname != "" {
		e.Hostname = &hostname
	}
	return e
}
