package care

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"

	"github.com/orrery-dev/orrery/framework/engine"
)

const (
	// lookAgain is how often the members are asked.
	lookAgain = time.Minute
	// rest is how long no member is defragmented after one was, unless the quota is near.
	rest = time.Hour
	// small is how large a file may be whatever is in it.
	small = 128 << 20
)

// Loop looks after an etcd.
type Loop struct{ etcd *clientv3.Client }

var _ engine.Loop[engine.One, observed, *clientv3.Client] = (*Loop)(nil)

// New returns a loop that has asked nobody.
func New(etcd *clientv3.Client) *Loop { return &Loop{etcd} }

// observed is the world, and when the last member was defragmented by this process; zero if none was.
type observed struct {
	World
	defragmented time.Time
}

// Observe implements engine.Loop.
func (l *Loop) Observe(ctx context.Context, look engine.Look, key engine.One) (observed, error) {
	w, err := Look(ctx, l.etcd)
	last, _ := look.Remembered(key).(time.Time)
	return observed{w, last}, err
}

// Actor implements engine.Loop.
func (l *Loop) Actor(engine.One, observed, engine.Turn) *clientv3.Client { return l.etcd }

// Plan implements engine.Loop.
func (l *Loop) Plan(_ engine.One, w observed, now time.Time) *engine.Plan[*clientv3.Client] {
	p := &engine.Plan[*clientv3.Client]{}
	p.After(lookAgain, "the store may have grown")
	p.Remember(func(error) any { return w.defragmented })
	rested := now.Sub(w.defragmented) >= rest
	room := true
	for _, m := range w.Members {
		if m.wasteful(rested) {
			p.Do(defragment{m})
			p.Remember(func(error) any { return now }) // also if it failed: it may have taken long
			return p                                   // the others are looked at when this one answers again
		}
		room = room && !m.pressing()
	}
	if w.Full > 0 && w.Corrupt == 0 && room {
		p.Do(disarm{})
	}
	if problem := w.Problem(); problem != nil {
		p.Because(problem.Error())
	}
	p.Because("each member has room, and is not mostly holes")
	return p
}

// wasteful says whether a member is to be defragmented: where more than half of its file is holes, or, when the quota is near, where a
// tenth is.
func (m Member) wasteful(rested bool) bool {
	holes := m.Size - m.InUse
	if m.pressing() {
		return holes*10 >= m.Size
	}
	return rested && m.Size > small && holes*2 > m.Size
}

// defragment has a member write its file anew, without holes.
type defragment struct{ Member }

func (defragment) Verb() string { return "defragment" }

func (s defragment) String() string { return "defragment etcd at " + s.Endpoint }

func (s defragment) Why() string {
	return fmt.Sprintf("of the %s of its file %s are in use, and its quota is %s", size(s.Size), size(s.InUse), size(s.Quota))
}

// Do waits until no other member is being defragmented: while two of three answer nothing, nothing can be written.
func (s defragment) Do(ctx context.Context, etcd *clientv3.Client) error {
	err := alone(ctx, etcd, func() error {
		_, err := etcd.Defragment(ctx, s.Endpoint)
		return err
	})
	if err != nil {
		return fmt.Errorf("defragmenting etcd at %s: %w", s.Endpoint, err)
	}
	return nil
}

// turn is the key of the lock that a member has while it is defragmented.
const turn = "/orrery.dev/defragment"

// alone does something while nobody else does it. An etcd that is full takes no lock either, as it takes nothing: then it is done anyhow.
func alone(ctx context.Context, etcd *clientv3.Client, do func() error) error {
	session, err := concurrency.NewSession(etcd, concurrency.WithContext(ctx))
	switch {
	case errors.Is(err, rpctypes.ErrNoSpace):
		return do()
	case err != nil:
		return fmt.Errorf("asking for a lock: %w", err)
	}
	defer func() { _ = session.Close() }() // one that is not closed is over after a minute
	switch err := concurrency.NewMutex(session, turn).Lock(ctx); {
	case errors.Is(err, rpctypes.ErrNoSpace):
	case err != nil:
		return fmt.Errorf("waiting for the others: %w", err)
	}
	return do()
}

// disarm takes back that the store is full.
type disarm struct{}

func (disarm) Verb() string { return "disarm" }

func (disarm) String() string { return "take back etcd's alarm NOSPACE" }

func (disarm) Why() string { return "there is room again" }

func (disarm) Do(ctx context.Context, etcd *clientv3.Client) error {
	alarms, err := etcd.AlarmList(ctx)
	if err != nil {
		return fmt.Errorf("asking etcd for its alarms: %w", err)
	}
	for _, alarm := range alarms.Alarms {
		if alarm.Alarm != etcdserverpb.AlarmType_NOSPACE {
			continue
		}
		if _, err := etcd.AlarmDisarm(ctx, &clientv3.AlarmMember{MemberID: alarm.MemberID, Alarm: alarm.Alarm}); err != nil {
			return fmt.Errorf("taking back etcd's alarm NOSPACE of member %x: %w", alarm.MemberID, err)
		}
	}
	return nil
}
