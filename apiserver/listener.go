package apiserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
)

// PortInUseError says that somebody else listens where the server was to.
type PortInUseError struct {
	// Address is host and port.
	Address string
}

func (e *PortInUseError) Error() string {
	return fmt.Sprintf("address %s is in use: stop whoever listens there, or choose another port", e.Address)
}

// Listen opens a listener for Options.Listener. Port 0 is any free one. When the port is taken the error is a
// *PortInUseError.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, &PortInUseError{Address: address}
	}
	if err != nil {
		return nil, fmt.Errorf("listening on %s for the API server: %w", address, err)
	}
	return listener, nil
}

// joined is several listeners as one. It remembers its connections, so that a stop can end those whose clients do not.
type joined struct {
	listeners []net.Listener
	accepted  chan net.Conn
	failed    chan error
	left      chan struct{}
	leaveOnce sync.Once
	leaveErr  error
	closed    chan struct{}
	closeOnce sync.Once

	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

func join(listeners ...net.Listener) *joined {
	j := &joined{
		listeners: listeners,
		accepted:  make(chan net.Conn),
		failed:    make(chan error, len(listeners)),
		left:      make(chan struct{}),
		closed:    make(chan struct{}),
		conns:     map[net.Conn]struct{}{},
	}
	for _, listener := range listeners {
		go j.pump(listener)
	}
	return j
}

func (j *joined) pump(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			select {
			case <-j.left:
			default:
				j.failed <- err
			}
			return
		}
		select {
		case j.accepted <- conn:
		case <-j.left:
			_ = conn.Close() // nobody has seen it
			return
		}
	}
}

// Accept implements net.Listener.
func (j *joined) Accept() (net.Conn, error) {
	select {
	case conn := <-j.accepted:
		return j.remember(conn), nil
	case err := <-j.failed:
		return nil, err
	case <-j.closed:
		return nil, net.ErrClosed
	}
}

// Addr implements net.Listener: the address of the first listener.
func (j *joined) Addr() net.Addr { return j.listeners[0].Addr() }

// Close implements net.Listener. It leaves connections open.
func (j *joined) Close() error {
	j.closeOnce.Do(func() { close(j.closed) })
	return j.leave()
}

// leave gives the addresses back. Who accepts hears of it only by Close: upstream's server ends the process when it cannot accept and
// has not come to stop doing so, as one that is given up because it does not end in time.
func (j *joined) leave() error {
	j.leaveOnce.Do(func() {
		close(j.left)
		for _, listener := range j.listeners {
			if err := listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
				j.leaveErr = errors.Join(j.leaveErr, err)
			}
		}
	})
	return j.leaveErr
}

// hangUp closes every connection.
func (j *joined) hangUp() {
	j.mu.Lock()
	conns := make([]net.Conn, 0, len(j.conns))
	for conn := range j.conns {
		conns = append(conns, conn)
	}
	j.mu.Unlock()
	for _, conn := range conns {
		_ = conn.Close() // its client may have been quicker
	}
}

func (j *joined) remember(conn net.Conn) net.Conn {
	known := &rememberedConn{Conn: conn, joined: j}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.conns[known] = struct{}{}
	return known
}

type rememberedConn struct {
	net.Conn
	joined *joined
}

// Close implements net.Conn.
func (c *rememberedConn) Close() error {
	c.joined.mu.Lock()
	delete(c.joined.conns, c)
	c.joined.mu.Unlock()
	return c.Conn.Close()
}
