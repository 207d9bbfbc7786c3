package memberjoin

import (
	"context"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/apiserver/etcd"
	"github.com/orrery-dev/orrery/apiserver/etcd/members"
	"github.com/orrery-dev/orrery/apiserver/pki"
)

const token = "abcdef.0123456789abcdef"

// plane is a control plane as far as one who joins sees it: an etcd, and a server that lets in whom it knows by a token.
type plane struct {
	*httptest.Server
	host   *Host
	client *clientv3.Client
	// who is the user that shows the token; empty where there is none.
	mu  sync.Mutex
	who string
}

func newPlane(t *testing.T) *plane {
	t.Helper()
	p := &plane{client: newEtcd(t), who: "system:bootstrap:abcdef"}
	p.host = &Host{
		Version: "v1", Etcd: p.client,
		Spend: func(_ context.Context, id string) error {
			if p.let("") == "" || id != "abcdef" {
				return errors.New("there is no token " + id)
			}
			return nil
		},
		Keys: func() (Grant, error) {
			return Grant{Files: map[string][]byte{"pki/ca.key": []byte("secret")}, Domain: "example.com"}, nil
		},
	}
	p.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := p.let("-")
		if name == "" || r.Header.Get("Authorization") != "Bearer "+token {
			http.Error(w, `{"kind":"Status"}`, http.StatusUnauthorized)
			return
		}
		p.host.ServeHTTP(w, r.WithContext(request.WithUser(r.Context(), &user.DefaultInfo{Name: name})))
	}))
	t.Cleanup(p.Close)
	return p
}

// let is who shows the token, and has another show it from then on; "-" changes nobody.
func (p *plane) let(another string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.who
	if another != "-" {
		p.who = another
	}
	return now
}

// newEtcd is a client of the first member of an etcd that others can join.
func newEtcd(t *testing.T) *clientv3.Client {
	t.Helper()
	store, err := pki.Open(t.TempDir(), clock.RealClock{})
	if err != nil {
		t.Fatal(err)
	}
	address := netip.AddrFrom4([4]byte{127, 70, byte(os.Getpid() >> 8), byte(os.Getpid())})
	files, err := store.KeepMember(nil, []net.IP{address.AsSlice()})
	if err != nil {
		t.Fatal(err)
	}
	peering := &etcd.Peering{
		Name: "one", Peer: netip.AddrPortFrom(address, etcd.PeerPort), Client: netip.AddrPortFrom(address, etcd.ClientPort),
		CAFile: files.Authority, CertFile: files.Certificate, KeyFile: files.Key,
	}
	server, err := etcd.Start(t.Context(), etcd.Options{Dir: t.TempDir(), Ephemeral: true, Peering: peering})
	if err != nil {
		t.Fatal(err)
	}
	info := transport.TLSInfo{TrustedCAFile: files.Authority, CertFile: files.Certificate, KeyFile: files.Key}
	config, err := info.ClientConfig()
	if err != nil {
		t.Fatal(err)
	}
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{peering.ClientURL()}, TLS: config, DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = client.Close()
		_ = server.Stop() // a learner that never starts changes nothing
	})
	return client
}

// guest is a machine that somebody reaches.
func (p *plane) guest(t *testing.T) Guest {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return Guest{
		Server: strings.TrimPrefix(p.URL, "https://"), Token: token, Name: "two", Version: "v1",
		CA:   pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw}),
		Peer: listener.Addr().(*net.TCPAddr).AddrPort(),
	}
}

// members are the names that etcd has.
func (p *plane) members(t *testing.T) []string {
	t.Helper()
	world, err := members.Look(t.Context(), p.client)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range world.Members {
		names = append(names, m.String())
	}
	return names
}

func TestAMachineIsLetInOnceByAToken(t *testing.T) {
	p := newPlane(t)
	g := p.guest(t)
	grant, err := g.Join(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if string(grant.Files["pki/ca.key"]) != "secret" || grant.Domain != "example.com" {
		t.Errorf("it was given %+v", grant)
	}
	if grant.Cluster["two"] != "https://"+g.Peer.String() || len(grant.Cluster) != 2 {
		t.Errorf("the cluster is %v", grant.Cluster)
	}
	if got := p.members(t); len(got) != 2 {
		t.Errorf("the members are %v", got)
	}
	if _, err := g.Join(t.Context()); err == nil || !strings.Contains(err.Error(), "lets nobody in by the token abcdef.…: it has been used") {
		t.Errorf("by a token that was used: %v", err)
	}
}

func TestWhoIsNotLetInIsToldWhyAndNothingHasChanged(t *testing.T) {
	p := newPlane(t)
	silent, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := silent.Addr().(*net.TCPAddr).AddrPort()
	_ = silent.Close() // so that nobody listens there
	for _, c := range []struct {
		name   string
		change func(*Guest)
		want   string
	}{
		{"by a wrong token", func(g *Guest) { g.Token = "abcdef.fedcba9876543210" }, "lets nobody in by the token abcdef.…"},
		{"by a name that exists", func(g *Guest) { g.Name = "one" }, "there is a member one already"},
		{"at a port that is filtered", func(g *Guest) { g.Peer = nobody }, "the members do not reach the machine at " + nobody.String()},
		{"with another version", func(g *Guest) { g.Version = "v2" }, "the machine runs version v2, and the members v1"},
		{"without a name", func(g *Guest) { g.Name = "" }, "lacks a name"},
		{"where another authority answers", func(g *Guest) { g.CA = nil }, "certificate signed by unknown authority"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := p.guest(t)
			c.change(&g)
			if _, err := g.Join(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want one that says %q", err, c.want)
			}
			if got := p.members(t); !slices.Equal(got, []string{"one"}) {
				t.Errorf("the members are %v", got)
			}
			if p.let("-") == "" {
				t.Error("the token is spent")
			}
		})
	}
}

func TestWhoHasShownNoTokenIsNotLetIn(t *testing.T) {
	p := newPlane(t)
	p.let("jane") // whom somebody has given the right
	if _, err := p.guest(t).Join(t.Context()); err == nil || !strings.Contains(err.Error(), "jane has shown no token") {
		t.Errorf("got %v", err)
	}
}

func TestOnlyTheMachineReadsWhatItIsGiven(t *testing.T) {
	own, err := kem().GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	another, err := kem().GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	closed, err := seal(Grant{Domain: "example.com"}, own.PublicKey().Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(closed.Sealed), "example.com") {
		t.Error("what was sealed can be read")
	}
	if g, err := closed.open(own); err != nil || g.Domain != "example.com" {
		t.Errorf("it reads %+v, %v", g, err)
	}
	if _, err := closed.open(another); err == nil {
		t.Error("another key opens it")
	}
}
