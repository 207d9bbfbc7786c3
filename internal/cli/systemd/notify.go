package systemd

import (
	"fmt"
	"net"
	"os"
)

// socketVariable names the socket on which systemd waits to hear that a service is ready.
const socketVariable = "NOTIFY_SOCKET"

// Notifier tells systemd how the service is. Nil, where systemd does not wait to hear, tells nobody.
type Notifier struct{ socket string }

// TakeNotifier takes the notifier out of the environment, so that nobody else in the process, nor any child of it, says that the
// service is ready: an API server is, long before all the rest.
func TakeNotifier() *Notifier {
	socket := os.Getenv(socketVariable)
	if socket == "" {
		return nil
	}
	_ = os.Unsetenv(socketVariable) // it fails for no name without a zero
	return &Notifier{socket}
}

// Ready says that the service can be used.
func (n *Notifier) Ready() error { return n.tell("READY=1") }

// Stopping says that the service has begun to end.
func (n *Notifier) Stopping() error { return n.tell("STOPPING=1") }

func (n *Notifier) tell(state string) error {
	if n == nil {
		return nil
	}
	connection, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("telling systemd %s: %w", state, err)
	}
	defer func() { _ = connection.Close() }() // what it took, it has sent
	if _, err := connection.Write([]byte(state)); err != nil {
		return fmt.Errorf("telling systemd %s: %w", state, err)
	}
	return nil
}
