package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/cert"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

// Node is a node that the server speaks for.
type Node struct {
	Name    string
	Runtime cri.Runtime
}

// Reviewer is whom the server asks about its clients.
type Reviewer interface {
	TokenReviewer
	AccessReviewer
}

// Options configure a Server.
type Options struct {
	Listener net.Listener
	// Certificate is the server's own; nil makes a self-signed one.
	Certificate *tls.Certificate
	// Current is asked for it at each connection instead, where it may change; nil where it does not.
	Current func() (*tls.Certificate, error)
	// ClientCAs sign the certificates of clients. Without them clients are known by tokens only.
	ClientCAs *x509.CertPool
	// Reviewer is the API server, which says who a client is and what it may do.
	Reviewer Reviewer
	// NodeName is the node's, where the server speaks for one. Without it only who may do something with every node may do it.
	NodeName string
	// Pods returns the pods of all nodes with their newest statuses, in a slice that is the caller's.
	Pods func() []*corev1.Pod
	// Node returns a node by name.
	Node func(name string) (Node, bool)
	// Metrics answers /metrics; nil has none.
	Metrics http.Handler
	Clock   clock.PassiveClock
	Log     logr.Logger
}

// Server answers for nodes.
type Server struct {
	options Options
	access  *access
}

// New returns a server that does not listen yet.
func New(options Options) *Server {
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	return &Server{options: options, access: &access{
		authenticator: newAuthenticator(options.Reviewer, options.Clock),
		authorizer:    newAuthorizer(options.Reviewer, options.NodeName, options.Clock),
		log:           options.Log,
	}}
}

// Handler answers requests of clients that have been let in.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", ok)
	mux.HandleFunc("GET /pods", s.pods)
	mux.HandleFunc("GET /runningpods/", s.pods)
	mux.HandleFunc("GET /stats/summary", s.summary)
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", s.logs)
	for _, uid := range []string{"", "/{uid}"} {
		mux.HandleFunc("/exec/{namespace}/{pod}"+uid+"/{container}", s.exec)
		mux.HandleFunc("/attach/{namespace}/{pod}"+uid+"/{container}", s.attach)
		mux.HandleFunc("/portForward/{namespace}/{pod}"+uid, s.portForward)
	}
	if s.options.Metrics != nil {
		mux.Handle("GET /metrics", s.options.Metrics)
	}
	return mux
}

func ok(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }

// Run serves until ctx ends; streams that are open then are cut.
func (s *Server) Run(ctx context.Context) error {
	current, err := s.current()
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           s.access.filter(s.Handler()),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          nil,
		TLSConfig: &tls.Config{
			MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return current() },
			ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: s.authorities(),
			NextProtos: []string{"http/1.1"}, // SPDY streams cannot pass through HTTP/2
		},
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // what is left of requests has nobody to answer to
	defer stop()
	err = server.ServeTLS(s.options.Listener, "", "")
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serving the node's API: %w", err)
}

// authorities are never nil: a nil pool would stand for those that the machine trusts.
func (s *Server) authorities() *x509.CertPool {
	if s.options.ClientCAs == nil {
		return x509.NewCertPool()
	}
	return s.options.ClientCAs
}

// current is what says which certificate the server shows.
func (s *Server) current() (func() (*tls.Certificate, error), error) {
	if s.options.Current != nil {
		return s.options.Current, nil
	}
	certificate := s.options.Certificate
	if certificate == nil {
		var err error
		if certificate, err = s.selfSigned(); err != nil {
			return nil, err
		}
	}
	return func() (*tls.Certificate, error) { return certificate, nil }, nil
}

func (s *Server) selfSigned() (*tls.Certificate, error) {
	host, _, err := net.SplitHostPort(s.options.Listener.Addr().String())
	if err != nil {
		return nil, fmt.Errorf("reading the server's address: %w", err)
	}
	chain, key, err := cert.GenerateSelfSignedCertKey(host, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("making the server's certificate: %w", err)
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, fmt.Errorf("reading back the server's certificate: %w", err)
	}
	return &pair, nil
}

// refuse answers with an error.
func refuse(w http.ResponseWriter, code int, format string, args ...any) {
	http.Error(w, fmt.Sprintf(format, args...), code)
}
