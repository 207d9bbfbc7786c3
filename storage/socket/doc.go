// Package socket opens unix sockets by paths that are longer than the kernel takes.
//
// The sockets of CSI drivers are below the directory of a node, which may have a long path of its own, and the path of a socket has at
// most 107 characters. Where it has more, a socket is reached through its directory, which is held open for as long as the process
// lives: there are as many as there are drivers.
package socket
