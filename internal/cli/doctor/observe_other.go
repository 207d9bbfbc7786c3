//go:build !linux

package doctor

import (
	"context"
	"net"
	"strconv"

	"golang.org/x/sys/unix"
)

func filesystemOf(*unix.Statfs_t) string { return "" }

// observe sees what any unix has. The rest is Linux's, and only containers need it.
func (m *Machine) observe(_ context.Context, q Question) {
	m.Files = saw(openFiles())
	m.Clock = saw(Clock{Synchronized: true, NewestFile: newest(ours(q.Instance.Dir)...)}, nil)
	m.Ports = saw(portsTaken(q), nil)
	elsewhere(&m.Distribution, &m.Kernel)
	elsewhere(&m.Nft)
	elsewhere(&m.Cgroups)
	elsewhere(&m.Overlay)
	elsewhere(&m.UserNamespaces, &m.ReversePath)
	elsewhere(&m.Capabilities)
	elsewhere(&m.InotifyInstances, &m.InotifyWatches, &m.Forwarding)
	elsewhere(&m.PIDs)
	elsewhere(&m.Memory)
	elsewhere(&m.Routes)
	elsewhere(&m.Resolvers)
	elsewhere(&m.Leftovers)
}

func elsewhere[T any](facts ...*Seen[T]) {
	for _, fact := range facts {
		fact.Err = ErrElsewhere
	}
}

// portsTaken tries to listen, which is the only way everywhere.
func portsTaken(q Question) []Port {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(q.Instance.Port)))
	if err != nil {
		return []Port{{Number: q.Instance.Port}}
	}
	_ = listener.Close() // nobody has connected
	return nil
}
