package proxy

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/network/nft"
)

// node is what steps act with: the kernel of the node that we run on.
type node struct {
	table   *nft.Client
	flows   flows
	healths healthPorts
	record  record

	mu sync.Mutex
	// flowsDue is true from before the table is written until flows have been looked through.
	flowsDue bool
	// departed are the ports of services that were taken from the table meanwhile.
	departed []departed
	// followed are the changes of EndpointSlices that the table follows; nil before the first pass.
	followed map[types.NamespacedName]string
}

// due says whether flows have to be looked through, and for which ports that are gone.
func (n *node) due() (bool, []departed) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.flowsDue, slices.Clone(n.departed)
}

// changes notes that the table is about to change.
func (n *node) changes(gone []departed) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.flowsDue, n.departed = true, append(n.departed, gone...)
}

// lookedThrough notes that flows are as the table wants them.
func (n *node) lookedThrough() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.flowsDue, n.departed = false, nil
}

// flows are the connections that the kernel tracks.
type flows interface {
	// Forget removes those that match.
	Forget(udp udpFlows) error
}

// write carries out a difference, all of it in one transaction.
type write struct {
	difference *nft.Difference
	// gone are the ports of services that go by it.
	gone []departed
}

func (s *write) Verb() string { return "write" }

func (s *write) String() string { return s.difference.InOneTransaction() }

func (s *write) Why() string { return "" }

func (s *write) Do(ctx context.Context, n *node) error {
	n.changes(s.gone)
	err := n.table.Write(ctx, s.difference)
	n.record.note(err, time.Now())
	if err != nil {
		measured.failures.Inc()
	}
	return err
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
	n.lookedThrough()
	return nil
}
