package proxy

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/orrery-dev/orrery/network/nft"
)

// node is what steps act with: the kernel of the node that we run on.
type node struct {
	table *nft.Client
	flows flows
	// flowsDue is true from before the table is written until flows have been looked through.
	flowsDue atomic.Bool
}

// flows are the connections that the kernel tracks.
type flows interface {
	// Forget removes those that match.
	Forget(udp udpFlows) error
}

// write carries out a difference, all of it in one transaction.
type write struct{ difference *nft.Difference }

func (s *write) Verb() string { return "write" }

func (s *write) String() string { return s.difference.InOneTransaction() }

func (s *write) Why() string { return "" }

func (s *write) Do(ctx context.Context, n *node) error {
	n.flowsDue.Store(true)
	return n.table.Write(ctx, s.difference)
}

// forget has flows of UDP find their way anew. A flow of UDP has no end: as long as packets come, the kernel sends them where it sent
// the first, also when that endpoint is gone.
type forget struct{ udp udpFlows }

func (s *forget) Verb() string { return "forget" }

func (s *forget) String() string {
	services, nodePorts := len(s.udp.services), len(s.udp.nodePorts)
	return fmt.Sprintf("forget flows of UDP to %d %s of services and %d node %s, unless one of their endpoints answers",
		services, plural(services, "port"), nodePorts, plural(nodePorts, "port"))
}

func (s *forget) Why() string { return "the table has changed, and flows go on as they began" }

func (s *forget) Do(_ context.Context, n *node) error {
	if err := n.flows.Forget(s.udp); err != nil {
		return err
	}
	n.flowsDue.Store(false)
	return nil
}
