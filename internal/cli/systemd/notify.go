package systemd

import (
	"fmt"
	"net"
	"os"
)

// socketVariable names the socket on which systemd waits to hear that a service is ready.
const socketVariable = "NOTIFY_SOCKET"

// Notifier tells systemd that the service is ready. Nil, where systemd does not wait to hear, tells nobody.
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
func (n *Notifier) Ready() error {
	if n == nil {
		return nil
	}
	connection, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("telling systemd that the service is ready: %w", err)
	}
	defer func() { _ = connection.Close() }() // what it took, it has sent
	if _, err := connection.Write([]byte("READY=1")); err != nil {
		return fmt.Errorf("telling systemd that the service is ready: %w", err)
	}
	return nil
}
