package simulated

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-streaming/pkg/streaming"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
)

// Streams answers exec, attach and port-forward for any number of simulated runtimes, on a loopback port that is opened when it
// is first needed. A command in a simulated container prints itself, and what it reads; a forwarded port answers a line of HTTP.
type Streams struct {
	mu       sync.Mutex
	server   streaming.Server
	listener net.Listener
}

// Close ends the server, if it was ever started.
func (s *Streams) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return nil
	}
	return s.listener.Close()
}

func (s *Streams) start() (streaming.Server, error) {
	if s == nil {
		return nil, errors.New("simulated containers have no streams here")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		return s.server, nil
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for streams: %w", err)
	}
	config := streaming.DefaultConfig
	config.Addr = listener.Addr().String()
	config.BaseURL = &url.URL{Scheme: "http", Host: config.Addr}
	server, err := streaming.NewServer(config, echo{})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting the server of streams: %w", err), listener.Close())
	}
	go func() { _ = http.Serve(listener, server) }() // ends with the listener
	s.server, s.listener = server, listener
	return server, nil
}

// Exec returns where a command would be run.
func (r *Runtime) Exec(ctx context.Context, request *runtimeapi.ExecRequest) (*runtimeapi.ExecResponse, error) {
	if err := r.up(ctx); err != nil {
		return nil, err
	}
	server, err := r.options.Streams.start()
	if err != nil {
		return nil, err
	}
	return server.GetExec(request)
}

// Attach returns where a container's own streams would be.
func (r *Runtime) Attach(ctx context.Context, request *runtimeapi.AttachRequest) (*runtimeapi.AttachResponse, error) {
	if err := r.up(ctx); err != nil {
		return nil, err
	}
	server, err := r.options.Streams.start()
	if err != nil {
		return nil, err
	}
	return server.GetAttach(request)
}

// PortForward returns where a pod's ports would be.
func (r *Runtime) PortForward(ctx context.Context, request *runtimeapi.PortForwardRequest) (*runtimeapi.PortForwardResponse, error) {
	if err := r.up(ctx); err != nil {
		return nil, err
	}
	server, err := r.options.Streams.start()
	if err != nil {
		return nil, err
	}
	return server.GetPortForward(request)
}

// echo is what runs in simulated containers.
type echo struct{}

func (echo) Exec(_ context.Context, _ string, cmd []string, in io.Reader, out, _ io.WriteCloser, _ bool, _ <-chan remotecommand.TerminalSize) error {
	return repeat(in, out, "simulated: "+strings.Join(cmd, " ")+"\n")
}

func (echo) Attach(_ context.Context, _ string, in io.Reader, out, _ io.WriteCloser, _ bool, _ <-chan remotecommand.TerminalSize) error {
	return repeat(in, out, "simulated: attached\n")
}

func repeat(in io.Reader, out io.Writer, first string) error {
	if out == nil {
		out = io.Discard
	}
	if _, err := io.WriteString(out, first); err != nil || in == nil {
		return err
	}
	_, err := io.Copy(out, in)
	return err
}

func (echo) PortForward(_ context.Context, _ string, port int32, stream io.ReadWriteCloser) error {
	body := fmt.Sprintf("simulated: port %d\n", port)
	_, err := fmt.Fprintf(stream, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(body), body)
	return errors.Join(err, stream.Close())
}
