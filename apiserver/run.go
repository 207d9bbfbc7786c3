package apiserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	aggregatorapiserver "k8s.io/kube-aggregator/pkg/apiserver"
)

const (
	// readyPoll is how often /readyz is asked.
	readyPoll = 20 * time.Millisecond
	// memorySettles is how long after the start the memory that it needed is given back.
	memorySettles = 10 * time.Second
	// settleTimeout bounds how long a stop waits for a start to finish. Upstream's post-start hooks end the process
	// when the server is stopped under them.
	settleTimeout = 15 * time.Second
	// drainTimeout is how long requests may go on after a stop; then their connections are closed.
	drainTimeout = 2 * time.Second
	// exitTimeout bounds the rest of the API server's own stop.
	exitTimeout = 10 * time.Second
)

// run begins to serve, and starts the goroutine that sees the server to its end.
func (s *Server) run(ctx context.Context, server *aggregatorapiserver.APIAggregator) error {
	generic := server.GenericAPIServer
	generic.ShutdownTimeout = drainTimeout
	s.loopback = generic.LoopbackClientConfig
	// The server outlives ctx until a start in progress has settled.
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	err := generic.AddPostStartHook(bootstrapHook, s.bootstrapHook)
	if err != nil {
		stopServing()
		return fmt.Errorf("adding the bootstrap to the API server: %w", err)
	}
	prepared, err := server.PrepareRun()
	if err != nil {
		stopServing()
		return fmt.Errorf("preparing the API server: %w", err)
	}
	exited := make(chan error, 1)
	go func() { exited <- prepared.Run(serving) }()
	go s.becomeReady(serving)
	go s.renewCertificates(serving)
	go func() {
		defer stopServing()
		s.supervise(ctx, stopServing, exited)
	}()
	return nil
}

// supervise waits for the first reason to end, ends everything, and says so.
func (s *Server) supervise(ctx context.Context, stopServing func(), exited <-chan error) {
	defer close(s.ended)
	var etcdFailed <-chan struct{}
	if s.etcd != nil {
		etcdFailed = s.etcd.Failed()
	}
	var cause error
	select {
	case err := <-exited:
		s.err = errors.Join(fmt.Errorf("the API server ended by itself: %w", orUnknown(err)), s.release())
		return
	case <-etcdFailed:
		cause = s.etcd.Err()
	case cause = <-s.failed:
		s.settle()
	case <-ctx.Done():
		s.settle()
	}
	stopServing()
	if err := errors.Join(s.drain(exited), s.release()); cause == nil || s.etcd == nil || s.etcd.Err() == nil {
		cause = errors.Join(cause, err)
	} // else: that the rest does not end in good order follows from what etcd has met, and says nothing more
	s.err = cause
}

// settle waits until upstream's part of the start is over, or has been given long enough to be.
func (s *Server) settle() {
	timeout := time.NewTimer(settleTimeout)
	defer timeout.Stop()
	select {
	case <-s.settled:
	case <-timeout.C:
	}
}

// drain waits for the API server to exit, and ends the connections of clients that keep it from doing so.
func (s *Server) drain(exited <-chan error) error {
	for _, patience := range []time.Duration{drainTimeout, exitTimeout} {
		timeout := time.NewTimer(patience)
		select {
		case err := <-exited:
			timeout.Stop()
			if err != nil {
				return fmt.Errorf("stopping the API server: %w", err)
			}
			return nil
		case <-timeout.C:
			s.listener.hangUp()
		}
	}
	return fmt.Errorf("stopping the API server: still running after %s", drainTimeout+exitTimeout)
}

func orUnknown(err error) error {
	if err == nil {
		return errors.New("no reason given")
	}
	return err
}

// becomeReady closes settled when /readyz is ok but for our own bootstrap, and Ready when it is ok altogether.
func (s *Server) becomeReady(ctx context.Context) {
	end := s.begin(PhaseReady)
	client, err := kubernetes.NewForConfig(s.loopback)
	if err != nil {
		end(err)
		s.fail(fmt.Errorf("creating a client for the API server: %w", err))
		return
	}
	ask := func(query string, reached chan struct{}) error {
		err := wait.PollUntilContextCancel(ctx, readyPoll, true, func(ctx context.Context) (bool, error) {
			return client.RESTClient().Get().RequestURI("/readyz"+query).Do(ctx).Error() == nil, nil
		})
		if err == nil {
			close(reached)
		}
		return err
	}
	err = ask("?exclude=poststarthook/"+bootstrapHook, s.settled)
	if err == nil {
		err = ask("", s.ready)
	}
	end(err)
	if err == nil && !s.options.Ephemeral {
		returnMemory(ctx)
	}
}

// returnMemory gives back to the system, once the start has settled, what only the start has needed: about a third.
func returnMemory(ctx context.Context) {
	settled := time.NewTimer(memorySettles)
	defer settled.Stop()
	select {
	case <-settled.C:
		debug.FreeOSMemory()
	case <-ctx.Done():
	}
}

// renewCertificates signs certificates anew in time. The API server, and clients made by Config, pick up the new files
// by themselves.
func (s *Server) renewCertificates(ctx context.Context) {
	wait.UntilWithContext(ctx, func(context.Context) {
		dns, ips, err := s.options.serverNames()
		if err == nil {
			_, _, err = s.store.RenewServer(dns, ips)
		}
		if err := errors.Join(err, s.store.RenewClients()); err != nil {
			s.logger().Error(err, "certificates not renewed")
		}
	}, certificateCheck)
}

// localURL is the URL under which a client on this machine reaches a listener.
func localURL(l net.Listener) string {
	address, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return "https://" + l.Addr().String()
	}
	host := address.IP
	if host.IsUnspecified() {
		host = net.IPv4(127, 0, 0, 1)
	}
	return "https://" + net.JoinHostPort(host.String(), strconv.Itoa(address.Port))
}
