package node

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"
)

// Heart beats for any number of nodes: each is renewed every 10 seconds, spread evenly, by a few goroutines together.
type Heart struct {
	Members []*Member
	Clock   clock.WithDelayedExecution
	Log     logr.Logger
	// Registered is called once for each node when the API server has it. It must not block.
	Registered func(*Member)
}

const (
	// beatsAtOnce bounds the requests under way, so that a slow API server is not buried under them.
	beatsAtOnce = 8
	// beatTimeout is how long one beat may take; a lease is good for several.
	beatTimeout = 10 * time.Second
	retryFirst  = 200 * time.Millisecond
	retryMost   = 7 * time.Second
)

// pulse is the state of one member.
type pulse struct {
	*Member
	// offset spreads the beats of many members.
	offset     time.Duration
	registered bool
	failures   int
}

// Run registers every node, again until it works, and beats until ctx ends.
func (h *Heart) Run(ctx context.Context) {
	due := make(chan *pulse, len(h.Members)) // each member is in it at most once
	for i, member := range h.Members {
		due <- &pulse{Member: member, offset: RenewEvery * time.Duration(i) / time.Duration(len(h.Members))}
	}
	var group sync.WaitGroup
	for range min(beatsAtOnce, len(h.Members)) {
		group.Go(func() { h.work(ctx, due) })
	}
	group.Wait()
}

func (h *Heart) work(ctx context.Context, due chan *pulse) {
	for {
		select {
		case <-ctx.Done():
			return
		case p := <-due:
			wait := h.beat(ctx, p)
			timer := h.Clock.AfterFunc(wait, func() { due <- p })
			if ctx.Err() != nil {
				timer.Stop()
			}
		}
	}
}

// beat does what is due for a member and says how long to wait for the next beat.
func (h *Heart) beat(ctx context.Context, p *pulse) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, beatTimeout)
	defer cancel()
	wait := RenewEvery
	if !p.registered {
		if err := p.Register(ctx); err != nil {
			return h.failed(ctx, p, err)
		}
		p.registered = true
		h.Registered(p.Member)
		wait = RenewEvery/2 + p.offset
	}
	if err := p.Beat(ctx); err != nil {
		return h.failed(ctx, p, err)
	}
	p.failures = 0
	return wait
}

func (h *Heart) failed(ctx context.Context, p *pulse, err error) time.Duration {
	wait := min(retryFirst<<min(p.failures, 10), retryMost)
	p.failures++
	if !errors.Is(err, errAgain) && !errors.Is(ctx.Err(), context.Canceled) {
		h.Log.Error(err, "A node's heart missed a beat", "node", p.Name, "again", wait)
	}
	return wait
}
