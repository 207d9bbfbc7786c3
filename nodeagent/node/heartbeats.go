package node

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/framework/activity"
)

// Heartbeats sends the heartbeats of any number of nodes. A few goroutines write all statuses and a few others renew all leases, so
// that neither waits for the other.
type Heartbeats struct {
	Nodes []*Heartbeat
	Clock clock.WithDelayedExecution
	Log   logr.Logger
	// Activity is told of heartbeats that are due or under way; nil tells nobody.
	Activity *activity.Tracker
	// Pace is that of all the nodes.
	Pace Pace
	// Registered is called once for each node when the API server has it. It must not block.
	Registered func(*Heartbeat)
}

const (
	// workers bounds the requests of each kind under way, so that a slow API server is not buried under them.
	workers = 8
	// minBackOff and maxBackOff bound the wait after a failure; the kubelet's figures.
	minBackOff = 200 * time.Millisecond
	maxBackOff = 7 * time.Second
)

// Run registers every node, again until it works, and sends its heartbeats until ctx ends.
func (h *Heartbeats) Run(ctx context.Context) {
	leases := h.repeat("Renewing the lease of a node", h.Pace.leaseRenewal(), (*Heartbeat).RenewLease)
	statuses := h.repeat("Updating the status of a node", h.Pace.statusUpdate(), (*Heartbeat).UpdateStatus)
	statuses.soon = (*Heartbeat).comingUp
	registrations := h.repeat("Registering a node", 0, (*Heartbeat).Register)
	registrations.done = func(node *entry) {
		h.Registered(node.Heartbeat)
		leases.isDue(&entry{Heartbeat: node.Heartbeat, offset: node.offset})
		statuses.isDue(&entry{Heartbeat: node.Heartbeat, offset: node.offset})
	}
	for i, node := range h.Nodes {
		share := time.Duration(i) * h.Pace.statusUpdate() / time.Duration(len(h.Nodes))
		registrations.isDue(&entry{Heartbeat: node, offset: h.Pace.statusUpdate()/2 + share})
	}
	var group sync.WaitGroup
	for _, r := range []*periodic{registrations, leases, statuses} {
		for range min(workers, len(h.Nodes)) {
			group.Go(func() { r.work(ctx) })
		}
	}
	group.Wait()
	for _, node := range h.Nodes {
		node.runtime.checks.Wait()
	}
}

// periodic does one thing for each of many nodes, again and again.
type periodic struct {
	*Heartbeats
	what  string
	every time.Duration
	do    func(*Heartbeat, context.Context) error
	// done is called instead of doing it again where it is to succeed only once.
	done func(*entry)
	// soon says that a node is looked at again after comingUpFrequency; nil means that none is.
	soon func(*Heartbeat) bool
	// due holds each node at most once.
	due chan *entry
}

// entry is one node for which it is done.
type entry struct {
	*Heartbeat
	// end says that it is under way no more.
	end func()
	// offset is the wait after the first success, which spreads what is done for many nodes; zero from then on.
	offset   time.Duration
	failures int
}

func (h *Heartbeats) repeat(what string, every time.Duration, do func(*Heartbeat, context.Context) error) *periodic {
	return &periodic{Heartbeats: h, what: what, every: every, do: do, due: make(chan *entry, len(h.Nodes))}
}

func (r *periodic) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case node := <-r.due:
			r.doFor(ctx, node)
		}
	}
}

// doFor does it for a node, and says when it is due again.
func (r *periodic) doFor(ctx context.Context, node *entry) {
	defer node.end()
	err := r.do(node.Heartbeat, ctx)
	if err == nil && r.done != nil {
		r.done(node)
		return
	}
	timer := r.Clock.AfterFunc(r.wait(ctx, node, err), func() { r.isDue(node) })
	if ctx.Err() != nil {
		timer.Stop()
	}
}

// isDue says that it is to be done for a node now.
func (r *periodic) isDue(node *entry) {
	node.end = r.Activity.Begin(r.what + " " + node.Name)
	r.due <- node
}

// wait says how long to wait before it is done again for a node.
func (r *periodic) wait(ctx context.Context, node *entry, err error) time.Duration {
	if err == nil {
		wait := r.every
		if r.soon != nil && r.soon(node.Heartbeat) {
			node.failures = 0
			return comingUpFrequency
		}
		if node.offset > 0 {
			wait = node.offset
		}
		node.offset, node.failures = 0, 0
		return wait
	}
	wait := min(minBackOff<<min(node.failures, 10), maxBackOff)
	node.failures++
	if !errors.Is(err, errAgain) && ctx.Err() == nil {
		r.Log.Error(err, r.what, "node", node.Name, "again", wait)
	}
	return wait
}
