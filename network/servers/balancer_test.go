package servers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"

	discoveryv1 "k8s.io/api/discovery/v1"
	certutil "k8s.io/client-go/util/cert"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/internal/await"
)

// api is one API server, as far as a balancer sees it.
type api struct {
	*httptest.Server
	notReady atomic.Bool
}

func (a *api) address() string { return a.Listener.Addr().String() }

// newAPIs are servers with one certificate, which each say their number; on /wait one says nothing until its client is gone.
func newAPIs(t *testing.T, n int) (all []*api, ca []byte) {
	t.Helper()
	certificate, key, err := certutil.GenerateSelfSignedCertKey(serverName, []net.IP{net.IPv4(127, 0, 0, 1)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		a := &api{}
		a.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == "/readyz" && a.notReady.Load():
				http.Error(w, "no quorum", http.StatusInternalServerError)
			case r.URL.Path == "/wait":
				<-r.Context().Done()
			default:
				_, _ = io.WriteString(w, string(rune('1'+i))) // who has asked reads it
			}
		}))
		a.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
		a.StartTLS()
		t.Cleanup(func() { a.CloseClientConnections(); a.Close() })
		all = append(all, a)
	}
	return all, certificate
}

// run runs a balancer of servers that a person has named.
func run(t *testing.T, ca []byte, named ...string) (*Balancer, *http.Client) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b, err := New(Options{Listener: listener, Servers: named, CA: ca})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	authority := x509.NewCertPool()
	authority.AppendCertsFromPEM(ca)
	return b, &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authority}, DisableKeepAlives: true}}
}

// whoAnswers is the number of the server to which a new connection is led.
func whoAnswers(t *testing.T, b *Balancer, client *http.Client) string {
	t.Helper()
	response, err := client.Get(b.URL())
	if err != nil {
		t.Fatalf("nobody answers: %v", err)
	}
	defer func() { _ = response.Body.Close() }()
	said, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(said)
}

func TestALostServerIsNoLoss(t *testing.T) {
	all, ca := newAPIs(t, 3)
	b, client := run(t, ca, all[0].address())
	b.Set([]string{all[1].address(), all[2].address()})
	seen := map[string]bool{}
	for range 6 {
		seen[whoAnswers(t, b, client)] = true
	}
	if len(seen) != 3 {
		t.Errorf("of three servers that are well %v are used", seen)
	}
	all[0].Close()
	for range 6 {
		if who := whoAnswers(t, b, client); who == "1" {
			t.Error("a server that is gone answers")
		}
	}
}

func TestAServerThatIsNotReadyIsLeft(t *testing.T) {
	all, ca := newAPIs(t, 2)
	b, client := run(t, ca, all[0].address())
	ended := make(chan error, 1)
	go func() {
		response, err := client.Get(b.URL() + "/wait")
		if err == nil {
			_ = response.Body.Close()
		}
		ended <- err
	}()
	await.Until(t, "a connection", func() (string, bool) {
		b.mu.Lock()
		defer b.mu.Unlock()
		return "", len(b.servers[0].conns) > 0
	})
	b.Set([]string{all[1].address()})
	all[0].notReady.Store(true)
	for range failures {
		b.checkAll(t.Context())
	}
	if err := <-ended; err == nil {
		t.Error("who waited for an answer of the server that is not ready got one")
	}
	for range 4 {
		if who := whoAnswers(t, b, client); who != "2" {
			t.Errorf("server %s answers, which is not ready", who)
		}
	}
	all[0].notReady.Store(false)
	await.Until(t, "the first server, which is ready again", func() (string, bool) {
		b.checkAll(t.Context())
		who := whoAnswers(t, b, client)
		return who, who == "1"
	})
}

func TestWhereNoServerIsWellAllAreTried(t *testing.T) {
	all, ca := newAPIs(t, 2)
	b, client := run(t, ca, all[0].address(), all[1].address())
	for _, a := range all {
		a.notReady.Store(true)
	}
	for range failures + 1 {
		b.checkAll(t.Context())
	}
	if who := whoAnswers(t, b, client); who != "1" && who != "2" {
		t.Errorf("%q answers", who)
	}
}

func TestThoseThatWereNamedStay(t *testing.T) {
	all, ca := newAPIs(t, 2)
	b, _ := run(t, ca, all[0].address())
	b.Set([]string{all[1].address()})
	b.Set(nil)
	if got := b.Servers(); !slices.Equal(got, []string{all[0].address()}) {
		t.Errorf("the servers are %v", got)
	}
}

func TestAServerThatIsGoneHoldsNobody(t *testing.T) {
	all, ca := newAPIs(t, 2)
	b, client := run(t, ca, all[0].address())
	all[0].Close()
	b.Set([]string{all[1].address()})
	ended := make(chan error, 1)
	go func() {
		response, err := client.Get(b.URL() + "/wait")
		if err == nil {
			_ = response.Body.Close()
		}
		ended <- err
	}()
	await.Until(t, "a connection", func() (string, bool) {
		b.mu.Lock()
		defer b.mu.Unlock()
		return "", slices.ContainsFunc(b.servers, func(s *server) bool { return len(s.conns) > 0 })
	})
	b.Set(nil)
	if err := <-ended; err == nil {
		t.Error("a connection to a server that has left goes on")
	}
}

func TestAddresses(t *testing.T) {
	slice := func(port string, endpoints ...discoveryv1.Endpoint) *discoveryv1.EndpointSlice {
		return &discoveryv1.EndpointSlice{Ports: []discoveryv1.EndpointPort{{Name: ptr.To(port), Port: ptr.To[int32](6443)}}, Endpoints: endpoints}
	}
	for _, c := range []struct {
		name   string
		slices []*discoveryv1.EndpointSlice
		want   []string
	}{
		{"none", nil, nil},
		{"each once, in order", []*discoveryv1.EndpointSlice{
			slice("https", discoveryv1.Endpoint{Addresses: []string{"192.0.2.2"}}, discoveryv1.Endpoint{Addresses: []string{"192.0.2.1"}}),
			slice("https", discoveryv1.Endpoint{Addresses: []string{"192.0.2.1"}}),
		}, []string{"192.0.2.1:6443", "192.0.2.2:6443"}},
		{"those that are ready", []*discoveryv1.EndpointSlice{
			slice("https", discoveryv1.Endpoint{Addresses: []string{"192.0.2.1"}, Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(false)}}),
		}, nil},
		{"of the port https", []*discoveryv1.EndpointSlice{slice("metrics", discoveryv1.Endpoint{Addresses: []string{"192.0.2.1"}})}, nil},
		{"with a version 6 address", []*discoveryv1.EndpointSlice{slice("https", discoveryv1.Endpoint{Addresses: []string{"2001:db8::1"}})}, []string{"[2001:db8::1]:6443"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := addresses(c.slices); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
