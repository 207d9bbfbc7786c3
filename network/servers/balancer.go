package servers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
)

const (
	// checkPause is how often a server is asked how it is, and checkPatience how long it may take to answer.
	checkPause    = 3 * time.Second
	checkPatience = 3 * time.Second
	// dialPatience is how long a server may take to accept a connection.
	dialPatience = 3 * time.Second
	// failures is how many checks in a row a server may fail before its connections are ended.
	failures = 2
	// serverName is a name that the certificate of every API server covers.
	serverName = "kubernetes.default.svc"
)

// Options configure a Balancer.
type Options struct {
	// Listener is where clients connect to. The balancer closes it.
	Listener net.Listener
	// Servers are those that a person has named, as HOST:PORT; at least one. They are tried whatever else is known.
	Servers []string
	// CA are the certificates of the authority of the servers, in PEM, by which they are known when they are asked how they are.
	CA []byte
	// Log takes what is said of servers. The zero value discards it.
	Log logr.Logger
}

// Balancer hands connections on.
type Balancer struct {
	options Options
	client  *http.Client

	mu      sync.Mutex
	servers []*server
	turn    int
}

// server is one API server, as it was seen last.
type server struct {
	address string
	failed  int // checks in a row
	conns   map[net.Conn]struct{}
	gone    bool // from the list: nobody is handed on to it any more
}

// New makes a balancer that has asked nobody yet.
func New(o Options) (*Balancer, error) {
	if len(o.Servers) == 0 {
		return nil, errors.New("balancing API servers: there are none")
	}
	authority := x509.NewCertPool()
	if !authority.AppendCertsFromPEM(o.CA) {
		return nil, errors.New("balancing API servers: their authority has no certificate")
	}
	b := &Balancer{options: o, client: &http.Client{
		Timeout: checkPatience,
		// Connections are kept: there may be thousands of nodes.
		Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: authority, ServerName: serverName}},
	}}
	b.Set(nil)
	return b, nil
}

// URL is where clients reach the servers.
func (b *Balancer) URL() string { return "https://" + b.options.Listener.Addr().String() }

// Servers are those that the balancer knows.
func (b *Balancer) Servers() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	addresses := make([]string, len(b.servers))
	for i, s := range b.servers {
		addresses[i] = s.address
	}
	return addresses
}

// Set has the balancer know other servers besides those that were named. What is known of those that stay is kept; connections to
// those that go are ended.
func (b *Balancer) Set(addresses []string) {
	addresses = slices.Compact(slices.Sorted(slices.Values(slices.Concat(b.options.Servers, addresses))))
	b.mu.Lock()
	defer b.mu.Unlock()
	known := map[string]*server{}
	for _, s := range b.servers {
		known[s.address] = s
		s.gone = true
	}
	b.servers = b.servers[:0:0]
	for _, address := range addresses {
		s := known[address]
		if s == nil {
			s = &server{address: address, conns: map[net.Conn]struct{}{}}
		}
		s.gone = false
		b.servers = append(b.servers, s)
	}
	for _, s := range known {
		if s.gone {
			s.end()
		}
	}
}

// Run hands connections on until ctx ends, and then ends them.
func (b *Balancer) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer b.client.CloseIdleConnections()
	defer running.Wait()
	defer stop()
	context.AfterFunc(ctx, func() {
		_ = b.options.Listener.Close() // it accepts nobody any more
		b.endAll()
	})
	running.Go(func() { b.check(ctx) })
	for {
		client, err := b.options.Listener.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("accepting connections for API servers: %w", err)
		}
		running.Go(func() { b.serve(ctx, client) })
	}
}

// serve hands one connection on.
func (b *Balancer) serve(ctx context.Context, client net.Conn) {
	defer func() { _ = client.Close() }() // the other end may have done so
	for _, s := range b.order() {
		upstream, err := (&net.Dialer{Timeout: dialPatience}).DialContext(ctx, "tcp", s.address)
		if err != nil {
			b.judge(s, err)
			continue
		}
		if !b.remember(ctx, s, upstream) {
			return
		}
		splice(client, upstream)
		b.forget(s, upstream)
		return
	}
}

// splice copies between two connections until one of them ends.
func splice(a, b net.Conn) {
	var copying sync.WaitGroup
	for _, pair := range [][2]net.Conn{{a, b}, {b, a}} {
		copying.Go(func() {
			_, _ = pair[0].(*net.TCPConn).ReadFrom(pair[1]) // how it ended is all the same
			_, _ = pair[0].Close(), pair[1].Close()
		})
	}
	copying.Wait()
}

// order are the servers in the order in which to try them: those that are well first, each time another of them.
func (b *Balancer) order() []*server {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn++
	n := len(b.servers)
	var well, others []*server
	for i := range n {
		if s := b.servers[(b.turn+i)%n]; s.failed == 0 {
			well = append(well, s)
		} else {
			others = append(others, s)
		}
	}
	return append(well, others...)
}

// remember notes a connection, so that it can be ended; false means that it has been, with all others.
func (b *Balancer) remember(ctx context.Context, s *server, conn net.Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if ctx.Err() != nil || s.gone {
		_ = conn.Close() // nobody has used it
		return false
	}
	s.conns[conn] = struct{}{}
	return true
}

func (b *Balancer) forget(s *server, conn net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(s.conns, conn)
}

func (b *Balancer) endAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.servers {
		s.end()
	}
}

// end ends all connections to the server.
func (s *server) end() {
	for conn := range s.conns {
		_ = conn.Close() // the server may have been quicker
	}
}
