package server

import (
	"cmp"
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
	"k8s.io/component-base/cli/flag"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
	stats "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/nodeagent/cadvisor"
	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/kubeletconfig"
	"github.com/orrery-dev/orrery/nodeagent/probes"
)

// Node is a node that the server speaks for.
type Node struct {
	Name    string
	Runtime cri.Runtime
	// Stats measures it; nil measures nothing.
	Stats Stats
	// Cadvisor reads what /metrics/cadvisor tells; nil tells what Stats measures.
	Cadvisor Cadvisor
	// Probes are how probes of its containers were answered; nil tells of none.
	Probes func() []probes.Results
	// Machine is what /metrics/cadvisor tells of the node.
	Machine cadvisor.Machine
}

// Cadvisor reads the control groups of a node.
type Cadvisor interface {
	Groups(ctx context.Context) ([]cadvisor.Group, error)
}

// Stats measures what a node uses.
type Stats interface {
	// CPUAndMemory measures CPU and memory of the node, of its pods, and of their containers that run.
	CPUAndMemory(ctx context.Context) (*stats.Summary, error)
	// Summary measures besides that what is on the disk, and what has passed the network.
	Summary(ctx context.Context) (*stats.Summary, error)
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
	// Configuration is the node's, which /configz tells; nil for a server that speaks for many nodes.
	Configuration *kubeletconfigv1beta1.KubeletConfiguration
	// Flags are those of the program by name, which /flagz tells. None of them may be a secret.
	Flags map[string]string
	// LogDir is what /logs/ shows; /var/log by default.
	LogDir string
	// CheckpointDir is where checkpoints of containers are written; "" refuses to make any.
	CheckpointDir string
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
	// settings are the configuration, or by default.
	settings *kubeletconfigv1beta1.KubeletConfiguration
	access   *access
}

// New returns a server that does not listen yet.
func New(options Options) *Server {
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	options.LogDir = cmp.Or(options.LogDir, "/var/log")
	settings := &kubeletconfigv1beta1.KubeletConfiguration{}
	if options.Configuration != nil {
		settings = options.Configuration.DeepCopy()
	}
	kubeletconfig.Default(settings)
	return &Server{options: options, settings: settings, access: &access{
		authenticator: newAuthenticator(options.Reviewer, settings.Authentication.Webhook.CacheTTL.Duration, options.Clock),
		authorizer:    newAuthorizer(options.Reviewer, options.NodeName, settings.Authorization.Webhook, options.Clock),
		log:           options.Log,
	}}
}

// Run serves until ctx ends; streams that are open then are cut.
func (s *Server) Run(ctx context.Context) error {
	current, err := s.current()
	if err != nil {
		return err
	}
	transport, err := s.transport()
	if err != nil {
		return err
	}
	transport.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return current() }
	server := &http.Server{Handler: s.access.filter(s.Handler()), ReadHeaderTimeout: 10 * time.Second, TLSConfig: transport}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // what is left of requests has nobody to answer to
	defer stop()
	err = server.ServeTLS(s.options.Listener, "", "")
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serving the node's API: %w", err)
}

// transport is how connections are made, but for the certificate.
func (s *Server) transport() (*tls.Config, error) {
	version, err := flag.TLSVersion(cmp.Or(s.settings.TLSMinVersion, "VersionTLS12"))
	if err != nil {
		return nil, fmt.Errorf("reading tlsMinVersion: %w", err)
	}
	suites, err := flag.TLSCipherSuites(s.settings.TLSCipherSuites)
	if err != nil {
		return nil, fmt.Errorf("reading tlsCipherSuites: %w", err)
	}
	curves, err := flag.TLSCurvePreferences(s.settings.TLSCurvePreferences)
	if err != nil {
		return nil, fmt.Errorf("reading tlsCurvePreferences: %w", err)
	}
	return &tls.Config{
		MinVersion: version, CipherSuites: suites, CurvePreferences: curves,
		ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: s.authorities(),
		NextProtos: []string{"http/1.1"}, // SPDY streams cannot pass through HTTP/2
	}, nil
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
