package plugins

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// Dial returns a connection to a plugin's socket. It is made with the first call, and again after it broke.
func Dial(socket string) (*grpc.ClientConn, error) {
	connection, err := grpc.NewClient("passthrough:///"+socket,
		grpc.WithAuthority("localhost"),
		grpc.WithTransportCredentials(insecure.NewCredentials()), // who may open the socket is who may speak
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return open(ctx, socket) }),
	)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", socket, err)
	}
	return connection, nil
}

// longest is how long the path of a socket may be, without its closing zero.
const longest = 107

// open opens a socket. One whose path is longer than the kernel takes is reached through its directory.
func open(ctx context.Context, socket string) (net.Conn, error) {
	if len(socket) <= longest {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}
	dir, err := os.Open(filepath.Dir(socket))
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }() // nothing was read of it
	return (&net.Dialer{}).DialContext(ctx, "unix", fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(socket)))
}

// Listen makes a socket. One whose path is longer than the kernel takes is made through its directory.
func Listen(socket string) (net.Listener, error) {
	path := socket
	if len(socket) > longest {
		dir, err := os.Open(filepath.Dir(socket))
		if err != nil {
			return nil, err
		}
		defer func() { _ = dir.Close() }() // nothing was read of it
		path = fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(socket))
	}
	return net.Listen("unix", path)
}
