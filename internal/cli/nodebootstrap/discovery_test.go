package nodebootstrap

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/apiserver/pki"
	"github.com/orrery-dev/orrery/internal/cli/clusterinfo"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/cluster-bootstrap/token/jws"
	"k8s.io/utils/clock"
)

const token = "abcdef.0123456789abcdef"

// impostor answers as an API server would that somebody has made up: what it says is the test's.
type impostor struct {
	*httptest.Server
	authority *pki.Authority
	// info is cluster-info, signatures with it. code and date are of the answer; 0 and empty mean the usual ones.
	info map[string]string
	code int
	date string
	// later is called before each answer from the second on.
	later   func(*impostor)
	answers int
}

func newAuthority(t *testing.T) *pki.Authority {
	t.Helper()
	store, err := pki.Open(t.TempDir(), clock.RealClock{})
	if err != nil {
		t.Fatal(err)
	}
	return store.Authority()
}

func newImpostor(t *testing.T) *impostor {
	t.Helper()
	i := &impostor{authority: newAuthority(t)}
	pair, err := i.authority.Sign(pki.Leaf{CommonName: "apiserver", DNSNames: []string{"localhost"}, IPs: []net.IP{net.IPv4(127, 0, 0, 1)}})
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	i.Server = httptest.NewUnstartedServer(i)
	i.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	i.StartTLS()
	t.Cleanup(i.Close)
	i.info = map[string]string{"kubeconfig": kubeconfig(t, i.authority.Certificate())}
	i.sign(t, token)
	return i
}

func kubeconfig(t *testing.T, ca []byte) string {
	t.Helper()
	config := clientcmdapi.NewConfig()
	config.Clusters[""] = &clientcmdapi.Cluster{Server: "https://192.0.2.1:6443", CertificateAuthorityData: ca}
	text, err := clientcmd.Write(*config)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (i *impostor) sign(t *testing.T, token string) {
	t.Helper()
	id, secret, _ := strings.Cut(token, ".")
	signature, err := jws.ComputeDetachedSignature(i.info["kubeconfig"], id, secret)
	if err != nil {
		t.Fatal(err)
	}
	i.info["jws-kubeconfig-"+id] = signature
}

func (i *impostor) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if i.answers++; i.answers > 1 && i.later != nil {
		i.later(i)
	}
	if i.date != "" {
		w.Header().Set("Date", i.date)
	}
	if i.code != 0 {
		w.WriteHeader(i.code)
		_ = json.NewEncoder(w).Encode(metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status"}}) // the client sees that it is not whole
		return
	}
	_ = json.NewEncoder(w).Encode(corev1.ConfigMap{Data: i.info}) // the client sees that it is not whole
}

func (i *impostor) options(t *testing.T) *Options {
	t.Helper()
	pins, err := clusterinfo.Pins(i.authority.Certificate())
	if err != nil {
		t.Fatal(err)
	}
	return &Options{Server: i.Listener.Addr().String(), Token: token, Pins: pins, NodeName: "two"}
}

func TestDiscovery(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*testing.T, *impostor, *Options)
		says   string // empty where the cluster is believed
	}{
		{"a cluster with the hash is believed", func(*testing.T, *impostor, *Options) {}, ""},
		{"one of several hashes is enough", func(t *testing.T, _ *impostor, o *Options) {
			o.Pins = append([]string{"sha256:" + strings.Repeat("0", 64)}, o.Pins...)
		}, ""},
		{"a cluster with the certificate is believed", func(_ *testing.T, i *impostor, o *Options) { o.Pins, o.CA = nil, i.authority.Certificate() }, ""},
		{"another cluster's hash", func(_ *testing.T, _ *impostor, o *Options) { o.Pins = []string{"sha256:" + strings.Repeat("0", 64)} },
			"which --ca-hash does not name: it is another cluster"},
		{"another cluster's certificate", func(t *testing.T, _ *impostor, o *Options) { o.Pins, o.CA = nil, newAuthority(t).Certificate() },
			"shows a certificate of another authority"},
		{"the right authority, said by who has not its key", func(t *testing.T, i *impostor, o *Options) {
			ca := newAuthority(t).Certificate()
			i.info = map[string]string{"kubeconfig": kubeconfig(t, ca)}
			i.sign(t, token)
			o.Pins, _ = clusterinfo.Pins(ca)
		}, "shows a certificate of another authority"},
		{"a token that is gone", func(_ *testing.T, i *impostor, _ *Options) { delete(i.info, "jws-kubeconfig-abcdef") },
			"knows no token abcdef.… that signs: it has expired, was deleted"},
		{"a token that is wrong after the full stop", func(_ *testing.T, _ *impostor, o *Options) { o.Token = "abcdef.fedcba9876543210" },
			"the part after the full stop is wrong"},
		{"two answers that differ", func(t *testing.T, i *impostor, _ *Options) {
			i.later = func(i *impostor) {
				i.info = map[string]string{"kubeconfig": kubeconfig(t, newAuthority(t).Certificate())}
			}
		}, "said two different things"},
		{"a clock that is behind", func(_ *testing.T, i *impostor, o *Options) {
			i.date = time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
		}, "behind that of the API server"},
		{"a clock that is ahead", func(_ *testing.T, i *impostor, o *Options) {
			i.date = time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)
		}, "ahead of that of the API server"},
		{"a clock by which the server's certificate has not begun", func(_ *testing.T, i *impostor, o *Options) {
			o.now = func() time.Time { return time.Now().Add(-time.Hour) }
			o.Pins, o.CA = nil, i.authority.Certificate()
		}, "by the clock of this machine"},
		{"a clock that is a little off", func(_ *testing.T, i *impostor, _ *Options) {
			i.date = time.Now().Add(-4 * time.Minute).UTC().Format(http.TimeFormat)
		}, ""},
		{"a server that lets nobody anonymous in", func(_ *testing.T, i *impostor, _ *Options) { i.code = http.StatusUnauthorized }, "--anonymous-auth=false"},
		{"a cluster that is not for joining", func(_ *testing.T, i *impostor, _ *Options) { i.code = http.StatusForbidden }, "does not let machines join"},
		{"a server in trouble", func(_ *testing.T, i *impostor, _ *Options) { i.code = http.StatusServiceUnavailable }, "503 Service Unavailable"},
		{"cluster-info that says nothing", func(_ *testing.T, i *impostor, _ *Options) { i.info = nil }, "it names no cluster"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i := newImpostor(t)
			o := i.options(t)
			tt.change(t, i, o)
			ca, err := o.discover(t.Context())
			switch {
			case tt.says == "" && (err != nil || string(ca) != string(i.authority.Certificate())):
				t.Errorf("it is not believed: %v", err)
			case tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)):
				t.Errorf("the error is %v, want %q in it", err, tt.says)
			case err != nil && strings.Contains(err.Error(), "0123456789abcdef"):
				t.Errorf("the error tells the token: %v", err)
			}
		})
	}
}

// TestNobodyIsTrustedWithTheToken: it is sent to no server before that has shown that it is the cluster's.
func TestNobodyIsTrustedWithTheToken(t *testing.T) {
	i := newImpostor(t)
	o := i.options(t)
	handler := i.Config.Handler
	i.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("it is told who asks")
		}
		handler.ServeHTTP(w, r)
	})
	if _, err := o.discover(t.Context()); err != nil {
		t.Fatal(err)
	}
	if i.answers != 2 {
		t.Errorf("it was asked %d times, want 2", i.answers)
	}
}

func TestAServerThatDoesNotAnswer(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // it is connected to, and says nothing, as behind a firewall
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close() // so that nothing listens there
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	other := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	for _, tt := range []struct{ name, server, says string }{
		{"a port that is filtered", silent.Addr().String(), "does not answer within 200ms: is the port open"},
		{"a port where nothing listens", gone.Addr().String(), "nothing listens at"},
		{"a server without TLS", plain.Listener.Addr().String(), "is no API server of Kubernetes"},
		{"a server of something else", other.Listener.Addr().String(), "is no API server of Kubernetes"},
	} {
		o := &Options{Server: tt.server, Token: token, Pins: []string{"sha256:" + strings.Repeat("0", 64)}, NodeName: "two", patience: 200 * time.Millisecond}
		if _, err := o.discover(t.Context()); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: the error is %v, want %q in it", tt.name, err, tt.says)
		}
	}
}

func TestWhatAPersonSaysIsChecked(t *testing.T) {
	good := Options{Server: "192.0.2.1", Token: token, Pins: []string{"sha256:" + strings.Repeat("a", 64)}, NodeName: "two"}
	for _, tt := range []struct {
		name   string
		change func(*Options)
		says   string
	}{
		{"all that is needed", func(*Options) {}, ""},
		{"a port", func(o *Options) { o.Server = "cp.example.com:7443" }, ""},
		{"an IPv6 address", func(o *Options) { o.Server = "2001:db8::1" }, ""},
		{"a URL", func(o *Options) { o.Server = "https://192.0.2.1:6443" }, "want HOST or HOST:PORT"},
		{"a port that is none", func(o *Options) { o.Server = "192.0.2.1:99999" }, "want HOST or HOST:PORT"},
		{"no token", func(o *Options) { o.Token = "" }, "--join needs --token"},
		{"half a token", func(o *Options) { o.Token = "abcdef.01234567" }, "--token has not the form"},
		{"nothing to know the cluster by", func(o *Options) { o.Pins = nil }, "--join needs --ca-hash or --ca-file"},
		{"half a hash", func(o *Options) { o.Pins = []string{"sha256:abc"} }, `--ca-hash "sha256:abc"`},
		{"no certificate", func(o *Options) { o.CA = []byte("hello") }, "--ca-file holds no certificate"},
		{"a name that no node has", func(o *Options) { o.NodeName = "Node_2" }, `--node-name "Node_2"`},
		{"a loopback address", func(o *Options) { o.Address = netip.MustParseAddr("127.0.0.1") }, "--node-ip 127.0.0.1"},
		{"an IPv6 address of the node", func(o *Options) { o.Address = netip.MustParseAddr("2001:db8::1") }, "--node-ip 2001:db8::1"},
	} {
		o := good
		tt.change(&o)
		err := o.Check()
		if tt.says == "" && err != nil || tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)) {
			t.Errorf("%s: the error is %v, want %q in it", tt.name, err, tt.says)
		}
		if err != nil && strings.Contains(err.Error(), "01234567") {
			t.Errorf("%s: the error tells the token: %v", tt.name, err)
		}
	}
}

func TestHostPort(t *testing.T) {
	for server, want := range map[string]string{
		"192.0.2.1": "192.0.2.1:6443", "192.0.2.1:7443": "192.0.2.1:7443", "cp.example.com": "cp.example.com:6443",
		"2001:db8::1": "[2001:db8::1]:6443", "[2001:db8::1]:7443": "[2001:db8::1]:7443", "[2001:db8::1]": "[2001:db8::1]:6443",
	} {
		if got := HostPort(server); got != want {
			t.Errorf("%s is %s, want %s", server, got, want)
		}
	}
}

// TestNothingIsWrittenByWhatFails is for all of the errors above: Join writes nothing, Write does.
func TestNothingIsWrittenByWhatFails(t *testing.T) {
	i := newImpostor(t)
	o := i.options(t)
	o.Dir = filepath.Join(t.TempDir(), "registration")
	o.Token = "zzzzzz.0123456789abcdef"
	if _, err := Join(context.Background(), *o); err == nil {
		t.Error("it has joined")
	}
	if _, err := os.Stat(o.Dir); !os.IsNotExist(err) {
		t.Errorf("there is a registration (%v)", err)
	}
}
