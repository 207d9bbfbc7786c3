package apiserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	aggregatorapiserver "k8s.io/kube-aggregator/pkg/apiserver"
	"k8s.io/kubernetes/pkg/serviceaccount"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/apiserver/etcd"
	"github.com/orrery-dev/orrery/apiserver/pki"
)

// ErrStopped is why a server that was told to stop is not running.
var ErrStopped = errors.New("the API server was stopped")

// Server is an API server that runs. Its methods may be called concurrently.
type Server struct {
	options   Options
	removeDir string
	progress  sync.Mutex

	lock   *etcd.Lock
	store  *pki.Store
	tokens tokens
	// accountTokens signs what Secrets hold for service accounts.
	accountTokens serviceaccount.TokenGenerator

	etcd *etcd.Server
	// etcdFiles are how its members know each other, where there may be several.
	etcdFiles pki.EtcdFiles

	listener *joined
	url      string
	loopback *rest.Config
	prepared func() // gives up what upstream needs until the server is prepared to run

	cancel  context.CancelCauseFunc
	failed  chan error    // what brings the server down from inside
	settled chan struct{} // upstream's part of the start is over
	ready   chan struct{}
	ended   chan struct{}
	err     error // readable when ended is closed
}

// Start starts a server, which lives until ctx ends or Stop is called. It returns when the server answers requests;
// wait for [Server.Ready] before relying on roles and definitions. What goes wrong is one error that says what and
// where, and nothing is left behind. Errors to look for: *etcd.InUseError, *etcd.DamagedError.
//
// The listeners in o belong to the server from here on, also when Start fails.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Logger.GetSink() == nil {
		o.Logger = klog.Background()
	}
	removeDir, err := o.complete()
	s := &Server{
		options:   o,
		removeDir: removeDir,
		failed:    make(chan error, 1),
		settled:   make(chan struct{}),
		ready:     make(chan struct{}),
		ended:     make(chan struct{}),
	}
	if o.Listener != nil {
		s.listener = join(append([]net.Listener{o.Listener}, o.Also...)...)
		s.url = localURL(o.Listener)
	}
	if err != nil {
		return nil, errors.Join(err, s.release())
	}

	ctx, s.cancel = context.WithCancelCause(ctx)
	server, err := s.prepare(ctx)
	if err != nil {
		s.cancel(err)
		return nil, errors.Join(err, s.release())
	}
	if err := s.run(ctx, server); err != nil {
		s.cancel(err)
		return nil, errors.Join(err, s.release())
	}
	return s, nil
}

// prepare does everything up to the point where the server could serve.
func (s *Server) prepare(ctx context.Context) (*aggregatorapiserver.APIAggregator, error) {
	files, err := s.openStore()
	if err != nil {
		return nil, err
	}
	if err := s.startEtcd(ctx); err != nil {
		return nil, err
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	end := s.begin(PhaseAPIServer)
	server, err := s.build(ctx, files)
	end(err)
	return server, err
}

func (s *Server) openStore() (files pki.Files, err error) {
	end := s.begin(PhaseCertificates)
	defer func() { end(err) }()
	if s.lock, err = etcd.Acquire(s.options.DataDir); err != nil {
		return files, err
	}
	if s.store, err = pki.Open(pkiDir(s.options.DataDir), clock.RealClock{}); err != nil {
		return files, err
	}
	dns, ips, err := s.options.serverNames()
	if err != nil {
		return files, err
	}
	if files, err = s.store.Files(dns, ips); err != nil {
		return files, err
	}
	s.accountTokens, err = accountTokens(files.ServiceAccountKey)
	return files, err
}

func (s *Server) startEtcd(ctx context.Context) (err error) {
	end := s.begin(PhaseEtcd)
	defer func() { end(err) }()
	if s.options.Etcd == nil {
		if err := s.startOwnEtcd(ctx); err != nil {
			return err
		}
	}
	return s.claimStorage(ctx)
}

// Ready is closed when /readyz is ok: roles and definitions are there, too.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// Ended is closed when the server has stopped and has given back everything it held; Err then says why it did.
func (s *Server) Ended() <-chan struct{} { return s.ended }

// Err returns nil while the server runs and after it was told to stop and did so in good order; otherwise why it has
// ended.
func (s *Server) Err() error {
	select {
	case <-s.ended:
		return s.err
	default:
		return nil
	}
}

// WaitReady waits for Ready. It returns an error when ctx or the server ends before that.
func (s *Server) WaitReady(ctx context.Context) error {
	select {
	case <-s.ready:
		return nil
	case <-s.ended:
		return errors.Join(ErrStopped, s.err)
	case <-ctx.Done():
		return fmt.Errorf("waiting for the API server to be ready: %w", context.Cause(ctx))
	}
}

// Stop ends the server and waits until it has. It always returns, within half a minute at worst, and is an error when
// not everything had ended by then. Stopping twice is allowed.
func (s *Server) Stop() error {
	s.cancel(ErrStopped)
	<-s.ended
	return s.err
}

// release gives back, in reverse order, whatever was acquired.
func (s *Server) release() error {
	s.unregister()
	var errs []error
	if s.listener != nil {
		errs = append(errs, s.listener.leave())
		s.listener.hangUp()
	}
	if s.etcd != nil {
		errs = append(errs, s.etcd.Stop())
	}
	errs = append(errs, s.lock.Release())
	if s.removeDir != "" {
		errs = append(errs, os.RemoveAll(s.removeDir))
	}
	return errors.Join(errs...)
}

// fail brings the server down. Only the first reason is kept.
func (s *Server) fail(err error) {
	select {
	case s.failed <- err:
	default:
	}
}

func (s *Server) logger() logr.Logger { return s.options.Logger.WithName("apiserver") }

// certificateCheck is how often a running server looks whether certificates near their end.
const certificateCheck = 24 * time.Hour
