package members

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"github.com/orrery-dev/orrery/framework/engine"
)

const (
	// lookAgain is how often the members are asked for, and lookSoon how often while one is about to become one that votes.
	lookAgain = 2 * time.Second
	lookSoon  = 500 * time.Millisecond
	// farBehind is how many changes a learner may lack of the leader's log and be promoted: no more than it takes up at once.
	farBehind = 500
)

// Loop looks after the members, on behalf of one.
type Loop struct {
	etcd    Etcd
	peerURL string
}

var _ engine.Loop[engine.One, World, Etcd] = (*Loop)(nil)

// New returns the loop of the member that a client reaches, whose peers are to reach it at a URL.
func New(etcd Etcd, peerURL string) *Loop { return &Loop{etcd, peerURL} }

// Observe implements engine.Loop.
func (l *Loop) Observe(ctx context.Context, _ engine.Look, _ engine.One) (World, error) {
	return lookAtLearners(ctx, l.etcd)
}

// Actor implements engine.Loop.
func (l *Loop) Actor(engine.One, World, engine.Turn) Etcd { return l.etcd }

// Plan implements engine.Loop.
func (l *Loop) Plan(_ engine.One, w World, _ time.Time) *engine.Plan[Etcd] {
	p := &engine.Plan[Etcd]{}
	p.After(lookAgain, "a member may have come or gone")
	if own, ok := w.Own(); ok && own.PeerURL != l.peerURL {
		p.Do(announce{own, l.peerURL})
	}
	if w.Leader() != w.Self {
		p.Because("another member leads, and promotes learners")
		return p
	}
	for _, m := range w.Members {
		if !m.Learner {
			continue
		}
		p.After(lookSoon, "a learner may have caught up")
		if why := w.waitsFor(m); why != "" {
			p.Because(why)
			continue
		}
		p.Do(promote{m, w.Behind(m)})
	}
	p.Because("every member votes")
	return p
}

// waitsFor is what keeps a learner from being promoted; empty if nothing does.
func (w World) waitsFor(m Member) string {
	behind := w.Behind(m)
	switch {
	case !m.Started():
		return fmt.Sprintf("waiting for %s to start: it was added as a learner", m)
	case m.Err != nil:
		return fmt.Sprintf("waiting for learner %s to answer: %v", m, m.Err)
	case behind > farBehind:
		return fmt.Sprintf("waiting for learner %s to catch up: it has %d of %d changes", m, m.Index, m.Index+behind)
	default:
		return ""
	}
}

// announce tells the others where a member is reached.
type announce struct {
	Member
	url string
}

func (announce) Verb() string { return "announce" }

func (s announce) String() string {
	return "tell the members that " + s.Member.String() + " is at " + s.url
}

func (s announce) Why() string { return "they have it at " + s.PeerURL }

func (s announce) Do(ctx context.Context, etcd Etcd) error {
	if _, err := etcd.MemberUpdate(ctx, s.ID, []string{s.url}); err != nil {
		return fmt.Errorf("telling the members where %s is: %w", s.Member, err)
	}
	return nil
}

// promote makes a learner a member that votes.
type promote struct {
	Member
	behind uint64
}

func (promote) Verb() string { return "promote" }

func (s promote) String() string { return "promote " + s.Member.String() + " to a member that votes" }

func (s promote) Why() string {
	return fmt.Sprintf("the learner has caught up: it lacks %d of %d changes", s.behind, s.Index+s.behind)
}

func (s promote) Do(ctx context.Context, etcd Etcd) error {
	_, err := etcd.MemberPromote(ctx, s.ID)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, rpctypes.ErrMemberLearnerNotReady), errors.Is(err, rpctypes.ErrMemberNotLearner):
		return engine.Retry(fmt.Errorf("promoting %s: %w", s.Member, err))
	default:
		return fmt.Errorf("promoting %s: %w", s.Member, err)
	}
}
