package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/orrery-dev/orrery/nodeagent/simulated"
)

// authority signs the certificates of clients.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{certificate, key}
}

func (a *authority) client(t *testing.T, name string) *http.Client {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name, Organization: []string{"group"}}, NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return clientWith(tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key})
}

func clientWith(certificates ...tls.Certificate) *http.Client {
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: certificates}, // the test is about clients
	}}
}

// reviews allows what is listed, knows the tokens that are, and remembers what it was asked.
type reviews struct {
	allowed map[string]bool
	tokens  map[string]authenticationv1.TokenReviewStatus
	err     error
	asked   []string
	groups  []string
	node    string
}

func (r *reviews) ReviewToken(_ context.Context, token string) (authenticationv1.TokenReviewStatus, error) {
	r.asked = append(r.asked, "whose is "+token)
	return r.tokens[token], r.err
}

func (r *reviews) ReviewAccess(_ context.Context, spec authorizationv1.SubjectAccessReviewSpec) (bool, error) {
	a := spec.ResourceAttributes
	what := strings.Join([]string{spec.User, a.Verb, a.Resource + "/" + a.Subresource}, " ")
	r.groups, r.node = spec.Groups, a.Name
	r.asked = append(r.asked, what)
	return r.allowed[what], nil
}

func startServer(t *testing.T, ca *authority, reviewer Reviewer, pods []*corev1.Pod, runtime *simulated.Runtime) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca.certificate)
	s := New(Options{
		Listener: listener, ClientCAs: pool, NodeName: "node", Reviewer: reviewer, Log: logr.Discard(),
		Pods: func() []*corev1.Pod { return slices.Clone(pods) },
		Node: func(name string) (Node, bool) { return Node{Name: name, Runtime: runtime}, name == "node" },
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "https://" + listener.Addr().String()
}

func get(t *testing.T, client *http.Client, url string) (int, string) {
	t.Helper()
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, strings.TrimSpace(string(body))
}

func TestClientsAreKnownAndAllowed(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	reviewer := &reviews{allowed: map[string]bool{"reader get nodes/proxy": true, "watcher get nodes/healthz": true}}
	url := startServer(t, ca, reviewer, nil, nil)

	if code, body := get(t, clientWith(), url+"/healthz"); code != http.StatusUnauthorized {
		t.Errorf("a client without a certificate got %d %s", code, body)
	}
	if response, err := other.client(t, "reader").Get(url + "/healthz"); err == nil {
		t.Errorf("a client of another authority got %d (%v)", response.StatusCode, response.Body.Close())
	}
	for _, test := range []struct {
		client, path string
		want         int
	}{
		{"reader", "/healthz", http.StatusOK}, {"reader", "/pods", http.StatusOK}, {"reader", "/stats/summary", http.StatusForbidden},
		{"watcher", "/healthz", http.StatusOK}, {"watcher", "/pods", http.StatusForbidden}, {"nobody", "/healthz", http.StatusForbidden},
	} {
		if code, body := get(t, ca.client(t, test.client), url+test.path); code != test.want {
			t.Errorf("%s got %d %s for %s, want %d", test.client, code, body, test.path, test.want)
		}
	}
	before := len(reviewer.asked)
	if code, _ := get(t, ca.client(t, "reader"), url+"/healthz"); code != http.StatusOK || len(reviewer.asked) != before {
		t.Errorf("an answer that was given just now was asked for again: %v", reviewer.asked[before:])
	}
}

func TestLogsThatCannotBeHadSayWhy(t *testing.T) {
	ca := newAuthority(t)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"}}
	pod.Spec.NodeName = "node"
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{
		{Name: "creating", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}},
		{Name: "imageless", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff"}}},
		{Name: "running", ContainerID: "containerd://id", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}},
	}
	url := startServer(t, ca, &reviews{allowed: map[string]bool{"api get nodes/proxy": true}}, []*corev1.Pod{pod}, simulated.New(simulated.Options{}))
	client := ca.client(t, "api")
	for _, test := range []struct {
		path string
		code int
		want string
	}{
		{"default/web/creating", 400, `container "creating" in pod "web" is waiting to start: ContainerCreating`},
		{"default/web/imageless", 400, `container "imageless" in pod "web" is waiting to start: trying and failing to pull image`},
		{"default/web/running?previous=true", 400, `previous terminated container "running" in pod "web" not found`},
		{"default/web/nothing", 400, `container "nothing" in pod "web" is not available`},
		{"default/web/running?tailLines=-1", 422, `tailLines: "-1" is not a number of at least 0`},
		{"default/other/main", 404, `pod "default/other" not found`},
	} {
		if code, body := get(t, client, url+"/containerLogs/"+test.path); code != test.code || body != test.want {
			t.Errorf("%s: got %d %q, want %d %q", test.path, code, body, test.code, test.want)
		}
	}
}

func TestLogOptions(t *testing.T) {
	query, err := url.ParseQuery("follow=true&previous=1&timestamps=t&tailLines=5&limitBytes=9&sinceTime=2026-01-01T00:00:00Z&stream=Stderr")
	if err != nil {
		t.Fatal(err)
	}
	o, err := logOptions(query)
	if err != nil || !o.Follow || !o.Previous || !o.Timestamps || *o.TailLines != 5 || *o.LimitBytes != 9 || o.SinceTime.Year() != 2026 || *o.Stream != "Stderr" {
		t.Errorf("the options are %+v (%v)", o, err)
	}
}

// TestTheCertificateIsThatOfTheMoment: one that is renewed is shown from then on, and while there is none nobody is served.
func TestTheCertificateIsThatOfTheMoment(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var current atomic.Pointer[tls.Certificate]
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- New(Options{Listener: listener, Log: logr.Discard(), Current: func() (*tls.Certificate, error) {
			if c := current.Load(); c != nil {
				return c, nil
			}
			return nil, errors.New("it has not been signed yet")
		}}).Run(ctx)
	}()
	shown := func() string {
		connection, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(t.Context(), "tcp", listener.Addr().String())
		if err != nil {
			return "nothing"
		}
		defer func() { _ = connection.Close() }() // nothing was sent
		return connection.(*tls.Conn).ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	ca := newAuthority(t)
	for _, name := range []string{"nothing", "first", "second"} {
		if name != "nothing" {
			certificate := ca.client(t, name).Transport.(*http.Transport).TLSClientConfig.Certificates[0]
			current.Store(&certificate)
		}
		if got := shown(); got != name {
			t.Errorf("it shows %s, want %s", got, name)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
