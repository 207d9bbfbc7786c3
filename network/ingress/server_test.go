package ingress

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	onetworkingv1 "github.com/orrery-dev/orrery/apis/networking/v1"
)

// echo is a backend that says how it is asked, and speaks on when a connection is upgraded.
func echo(t *testing.T) netip.AddrPort {
	t.Helper()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			upgraded(w)
			return
		}
		_, _ = fmt.Fprintf(w, "host=%s path=%s for=%s proto=%s", r.Host, r.URL.Path, r.Header.Get("X-Forwarded-For"), r.Header.Get("X-Forwarded-Proto"))
	}))
	t.Cleanup(backend.Close)
	return netip.MustParseAddrPort(backend.Listener.Addr().String())
}

// upgraded says back each line that it is told.
func upgraded(w http.ResponseWriter) {
	connection, buffer, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = connection.Close() }() // all has been said
	_, _ = buffer.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	_ = buffer.Flush()
	line, _ := buffer.ReadString('\n')
	_, _ = buffer.WriteString("you said " + line)
	_ = buffer.Flush()
}

// routing is a server whose host web.example.com is a backend, and gone.example.com one that does not answer.
func routing(t *testing.T, backend netip.AddrPort) *server {
	t.Helper()
	s := newServer(logr.Discard())
	s.table.Store(&Table{Hosts: map[string][]Route{
		"web.example.com":  {{Path: "/", Backend: Backend{Address: backend}}},
		"gone.example.com": {{Path: "/", Backend: Backend{Address: netip.MustParseAddrPort("127.0.0.1:1")}}},
		"none.example.com": {{Path: "/", Backend: Backend{Missing: "it does not exist"}}},
	}})
	return s
}

func TestServerAnswers(t *testing.T) {
	front := httptest.NewServer(routing(t, echo(t)))
	t.Cleanup(front.Close)
	for _, c := range []struct {
		name, host, path string
		code             int
		want             string // a part of the answer
	}{
		{"for a backend, which sees the host and who asks", "web.example.com", "/foo", http.StatusOK, "host=web.example.com path=/foo for=127.0.0.1 proto=http"},
		{"whatever the port is", "web.example.com:8080", "/", http.StatusOK, "host=web.example.com:8080"},
		{"that nobody knows a host", "other.example.com", "/", http.StatusNotFound, "no Ingress has a rule"},
		{"that a Service is missing", "none.example.com", "/", http.StatusServiceUnavailable, "it does not exist"},
		{"that a backend does not answer", "gone.example.com", "/", http.StatusBadGateway, "does not answer"},
		{"that a path leads elsewhere than down", "web.example.com", "/public/..%2fadmin", http.StatusBadRequest, "elements"},
	} {
		t.Run(c.name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, front.URL+c.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Host = c.host
			request.Header.Set("X-Forwarded-For", "198.51.100.66") // which is not believed
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(answer.Body)
			_ = answer.Body.Close() // it was read
			if err != nil || answer.StatusCode != c.code || !strings.Contains(string(body), c.want) {
				t.Errorf("the answer is %s: %s (%v), want %d: %s", answer.Status, body, err, c.code, c.want)
			}
		})
	}
}

func TestConnectionsAreUpgraded(t *testing.T) {
	front := httptest.NewServer(routing(t, echo(t)))
	t.Cleanup(front.Close)
	at, err := url.Parse(front.URL)
	if err != nil {
		t.Fatal(err)
	}
	connection, err := net.Dial("tcp", at.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	if _, err := io.WriteString(connection, "GET / HTTP/1.1\r\nHost: web.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(connection)
	answer, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close() // there is none
	if answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the answer is %s", answer.Status)
	}
	if _, err := io.WriteString(connection, "hello\n"); err != nil {
		t.Fatal(err)
	}
	if said, err := reader.ReadString('\n'); err != nil || said != "you said hello\n" {
		t.Errorf("it said %q (%v)", said, err)
	}
}

// pair is a certificate for hosts and its key, in PEM.
func pair(t *testing.T, hosts ...string) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: hosts, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}

// TestIngressesAreServedUnderBothNamings runs all of it on an API in memory: a class is made, requests arrive by TLS, the status says where,
// and a certificate that is changed is used.
func TestIngressesAreServedUnderBothNamings(t *testing.T) {
	for _, naming := range apis.Namings() {
		t.Run(naming.String(), func(t *testing.T) {
			backend := echo(t)
			certificate, key := pair(t, "web.example.com")
			secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "tls"}, Data: map[string][]byte{"tls.crt": certificate, "tls.key": key}}
			web := ingress("web", "web.example.com/ Prefix a")
			web.Spec.TLS = []networkingv1.IngressTLS{{SecretName: "tls", Hosts: []string{"web.example.com"}}}
			api := newAPI(t, naming, (*onetworkingv1.Ingress)(web), secret, &ocorev1.Service{
				ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "a"},
				Spec:       corev1.ServiceSpec{ClusterIP: backend.Addr().String(), Ports: []corev1.ServicePort{{Port: int32(backend.Port())}}},
			})
			web.Spec.Rules[0].HTTP.Paths[0].Backend.Service.Port.Number = int32(backend.Port())
			if err := api.Update(t.Context(), (*onetworkingv1.Ingress)(web)); err != nil {
				t.Fatal(err)
			}

			plain, secure := listener(t), listener(t)
			i := New(Options{Address: netip.MustParseAddr("192.0.2.1")}, api, api, plain, secure)
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- i.node.server.run(ctx, plain, secure) }()
			sync := func() {
				t.Helper()
				for range 2 { // the class is made by the first
					if err := i.Sync(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
			}
			sync()
			if said := ask(t, secure, certificate); !strings.Contains(said, "proto=https") {
				t.Errorf("by TLS it says %q", said)
			}
			var told onetworkingv1.Ingress
			if err := api.Get(t.Context(), client.ObjectKeyFromObject(web), &told); err != nil || len(told.Status.LoadBalancer.Ingress) != 1 || told.Status.LoadBalancer.Ingress[0].IP != "192.0.2.1" {
				t.Errorf("the status is %v (%v)", told.Status, err)
			}

			secret.Data["tls.crt"], secret.Data["tls.key"] = pair(t, "web.example.com")
			if err := api.Update(t.Context(), secret); err != nil {
				t.Fatal(err)
			}
			sync()
			ask(t, secure, secret.Data["tls.crt"])
			if _, err := tls.Dial("tcp", secure.Addr().String(), &tls.Config{ServerName: "other.example.com", InsecureSkipVerify: true}); err == nil {
				t.Error("a host without a certificate is served by TLS")
			}

			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

func newAPI(t *testing.T, naming apis.Naming, objects ...client.Object) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, naming); err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithStatusSubresource(&onetworkingv1.Ingress{}).Build()
}

func listener(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// ask asks for https://web.example.com/ where a listener is, and believes one certificate.
func ask(t *testing.T, at net.Listener, believed []byte) string {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(believed)
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, at.Addr().String())
		},
	}
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport}).Get("https://web.example.com/")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close() // it was read
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
