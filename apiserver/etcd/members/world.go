package members

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Etcd is what of a client is needed.
type Etcd interface {
	clientv3.Cluster
	clientv3.Maintenance
}

// World is what is known about the members.
type World struct {
	// Self is the member that was asked.
	Self uint64
	// Members are all of them, by their names; those that have never started, which have none, come last.
	Members []Member
}

// Member is how a member is.
type Member struct {
	ID   uint64
	Name string
	// PeerURL is where the other members reach it, and ClientURL where clients do; that is empty until it has started.
	PeerURL, ClientURL string
	// Learner says that it does not vote.
	Learner bool

	// Err is why it could not be asked for what follows.
	Err     error
	Version string
	// Leader is whom it follows; 0 means that it knows none.
	Leader uint64
	// Index is how far its log goes.
	Index uint64
	// Size is how large its store is, in bytes, and InUse how much of that is content.
	Size, InUse int64
}

// answerPatience is how long a member may take to say how it is.
const answerPatience = 2 * time.Second

// Look asks for the members, and all of them how they are. Where there is no quorum, that is told as far as one member knows it.
func Look(ctx context.Context, etcd Etcd) (World, error) {
	return look(ctx, etcd, func(Member) bool { return true })
}

// lookAtLearners asks no others how they are but the learners and the member itself: that is all a leader needs, and costs little.
func lookAtLearners(ctx context.Context, etcd Etcd) (World, error) {
	return look(ctx, etcd, func(m Member) bool { return m.Learner })
}

// look asks for the members, and some of them besides the one that answers how they are.
func look(ctx context.Context, etcd Etcd, asked func(Member) bool) (World, error) {
	list, err := etcd.MemberList(ctx, clientv3.WithSerializable())
	if err != nil {
		return World{}, fmt.Errorf("asking etcd for its members: %w", err)
	}
	w := World{Self: list.Header.MemberId}
	for _, m := range list.Members {
		w.Members = append(w.Members, Member{
			ID: m.ID, Name: m.Name, PeerURL: strings.Join(m.PeerURLs, ","), ClientURL: strings.Join(m.ClientURLs, ","), Learner: m.IsLearner,
		})
	}
	slices.SortFunc(w.Members, func(a, b Member) int {
		if (a.Name == "") != (b.Name == "") {
			return strings.Compare(b.Name, a.Name)
		}
		return strings.Compare(a.Name, b.Name)
	})
	var asking sync.WaitGroup
	for i, m := range w.Members {
		if m.ID == w.Self || asked(m) {
			asking.Go(func() { w.Members[i].ask(ctx, etcd) })
		}
	}
	asking.Wait()
	return w, nil
}

// ask fills in how a member is.
func (m *Member) ask(ctx context.Context, etcd clientv3.Maintenance) {
	if !m.Started() {
		m.Err = fmt.Errorf("it has never started")
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, answerPatience, fmt.Errorf("no answer within %s", answerPatience))
	defer cancel()
	status, err := etcd.Status(ctx, m.ClientURL)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		m.Err = err
		return
	}
	m.Version, m.Leader, m.Index, m.Size, m.InUse = status.Version, status.Leader, status.RaftIndex, status.DbSize, status.DbSizeInUse
}

// Started says whether the member has ever run.
func (m Member) Started() bool { return m.ClientURL != "" }

// String is what a person knows the member by.
func (m Member) String() string {
	if m.Name != "" {
		return m.Name
	}
	return "the one at " + strings.TrimPrefix(m.PeerURL, "https://")
}

// Behind is how many changes the member's log lacks.
func (w World) Behind(m Member) uint64 {
	var furthest uint64
	for _, other := range w.Members {
		furthest = max(furthest, other.Index)
	}
	return furthest - min(m.Index, furthest)
}

// Own is the member that was asked; ok is false where it is none any more.
func (w World) Own() (own Member, ok bool) {
	i := slices.IndexFunc(w.Members, func(m Member) bool { return m.ID == w.Self })
	if i < 0 {
		return Member{}, false
	}
	return w.Members[i], true
}

// Leader is the member that leads, as the one that was asked knows it; 0 where it knows none.
func (w World) Leader() uint64 {
	own, _ := w.Own()
	return own.Leader
}

// voters are the members that vote, and how many of them answer.
func (w World) voters() (all []Member, answering int) {
	for _, m := range w.Members {
		if m.Learner {
			continue
		}
		all = append(all, m)
		if m.Err == nil {
			answering++
		}
	}
	return all, answering
}

// quorum is how many of n members have to agree.
func quorum(n int) int { return n/2 + 1 }
