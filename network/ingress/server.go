package ingress

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
)

const (
	// headerPatience is how long a client may take to say what it wants, idlePatience how long a connection is kept that is not used.
	headerPatience = 30 * time.Second
	idlePatience   = 2 * time.Minute
	// dialPatience is how long a backend may take to accept a connection.
	dialPatience = 5 * time.Second
	// farewell is how long requests have that are under way when the server ends.
	farewell = 5 * time.Second
)

// server serves by a table that may be changed at any time.
type server struct {
	table atomic.Pointer[Table]
	proxy *httputil.ReverseProxy
	log   logr.Logger
}

func newServer(log logr.Logger) *server {
	s := &server{log: log}
	s.table.Store(&Table{})
	s.proxy = &httputil.ReverseProxy{
		Rewrite:       rewrite,
		FlushInterval: -1, // a stream is not held up
		ErrorHandler:  s.failed,
		ErrorLog:      errorLog(log),
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: dialPatience}).DialContext,
			MaxIdleConnsPerHost: 100,
			IdleConnTimeout:     idlePatience,
			DisableCompression:  true, // what the client does not want is not asked for
		},
	}
	return s
}

// errorLog is where net/http tells of clients that break their connections: nowhere but in a log of details.
func errorLog(to logr.Logger) *log.Logger { return log.New(details{to}, "", 0) }

type details struct{ logr.Logger }

func (d details) Write(line []byte) (int, error) {
	d.V(2).Info("A connection failed", "reason", strings.TrimSpace(string(line)))
	return len(line), nil
}

// goal is where a request goes, in its context.
type goal struct{}

// ServeHTTP sends a request where the table says.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if hasDots(r.URL.Path) {
		http.Error(w, `the path has "." or ".." elements`, http.StatusBadRequest)
		return
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	backend, ok := s.table.Load().Find(host, r.URL.Path)
	switch {
	case !ok:
		http.Error(w, "no Ingress has a rule for this host and path", http.StatusNotFound)
	case backend.Missing != "":
		http.Error(w, backend.String(), http.StatusServiceUnavailable)
	default:
		s.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), goal{}, backend)))
	}
}

// hasDots says whether an element of a path leads elsewhere than down.
func hasDots(path string) bool {
	for element := range strings.SplitSeq(path, "/") {
		if element == "." || element == ".." {
			return true
		}
	}
	return false
}

// rewrite addresses a request to its backend, which sees the host that was asked for, and who asked.
func rewrite(r *httputil.ProxyRequest) {
	backend := r.In.Context().Value(goal{}).(Backend)
	r.SetURL(&url.URL{Scheme: "http", Host: backend.Address.String()})
	r.Out.Host = r.In.Host
	r.SetXForwarded()
}

// failed answers for a backend that does not.
func (s *server) failed(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) { // the client is gone
		return
	}
	backend := r.Context().Value(goal{}).(Backend)
	s.log.V(1).Info("A backend does not answer", "backend", backend.String(), "reason", err.Error())
	http.Error(w, fmt.Sprintf("Service %s does not answer", backend.Service), http.StatusBadGateway)
}

// certificate chooses by SNI.
func (s *server) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c := s.table.Load().Certificate(hello.ServerName); c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("no Ingress has a certificate for %q", hello.ServerName)
}

// run serves at listeners, which it closes, until ctx ends.
func (s *server) run(ctx context.Context, plain, secure net.Listener) error {
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: headerPatience, IdleTimeout: idlePatience, ErrorLog: errorLog(s.log),
		TLSConfig: &tls.Config{GetCertificate: s.certificate, MinVersion: tls.VersionTLS12},
	}
	ended := make(chan error, 2)
	go func() { ended <- server.Serve(plain) }()
	go func() { ended <- server.ServeTLS(secure, "", "") }()
	select {
	case err := <-ended:
		return errors.Join(fmt.Errorf("serving Ingresses: %w", err), server.Close())
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	if server.Shutdown(last) != nil { // some are under way for longer, as websockets
		return server.Close()
	}
	return nil
}
