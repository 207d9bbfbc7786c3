package schedule

import (
	"context"
	"fmt"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/orrery-dev/orrery/apiserver/snapshot"
	"github.com/orrery-dev/orrery/framework/engine"
)

// afterStart is how soon after its start a process takes a snapshot that was missed: what starts has more urgent things to do.
const afterStart = time.Minute

// Options say when snapshots are taken, and of what.
type Options struct {
	// Schedule is in the form of cron: five fields, or one such as "@every 6h". Times are local ones.
	Schedule string
	// Keep is how many snapshots of the instance are kept in the directory; 1 or more.
	Keep int
	// Dir is where they lie, and Name the instance's name.
	Dir, Name string
	// Take takes one and puts it there.
	Take func(ctx context.Context) (snapshot.Snapshot, error)
}

// Loop takes and removes snapshots.
type Loop struct {
	options  Options
	schedule cron.Schedule
}

var _ engine.Loop[engine.One, world, *Options] = (*Loop)(nil)

// New checks the options.
func New(o Options) (*Loop, error) {
	schedule, err := cron.ParseStandard(o.Schedule)
	if err != nil {
		return nil, fmt.Errorf("schedule %q: %w: want one such as \"0 */12 * * *\" or \"@every 6h\"", o.Schedule, err)
	}
	if o.Keep < 1 {
		return nil, fmt.Errorf("keeping %d snapshots: want 1 or more", o.Keep)
	}
	return &Loop{options: o, schedule: schedule}, nil
}

// world are the snapshots of the instance, the newest first.
type world struct {
	list []snapshot.Snapshot
	// began is since when this process has looked.
	began time.Time
}

// Observe implements engine.Loop. Files that are no whole snapshots are not counted, and so never removed.
func (l *Loop) Observe(_ context.Context, look engine.Look, _ engine.One) (world, error) {
	list, err := snapshot.List(l.options.Dir, l.options.Name)
	if list == nil && err != nil {
		return world{}, err
	}
	return world{list: list, began: look.Since("process", "began")}, nil
}

// Plan implements engine.Loop.
func (l *Loop) Plan(_ engine.One, w world, now time.Time) *engine.Plan[*Options] {
	p := &engine.Plan[*Options]{}
	if surplus := len(w.list) - l.options.Keep; surplus > 0 {
		p.Do(prune{surplus: surplus, keep: l.options.Keep})
	}
	due, why := l.next(w)
	if wait := due.Sub(now); wait > 0 {
		p.After(wait, why)
		return p
	}
	p.Do(take{why})
	p.After(time.Millisecond, "there is a new snapshot then")
	return p
}

// next is when the next snapshot is due, and why.
func (l *Loop) next(w world) (time.Time, string) {
	if len(w.list) == 0 {
		return l.schedule.Next(w.began), fmt.Sprintf("the schedule %q has its first snapshot taken then", l.options.Schedule)
	}
	last := w.list[0].Taken
	due := l.schedule.Next(last)
	if soon := w.began.Add(afterStart); due.Before(soon) && due.Before(w.began) {
		return soon, fmt.Sprintf("one was due at %s, when nobody ran", due.Format(time.RFC3339))
	}
	return due, fmt.Sprintf("the schedule %q has one taken then, after that of %s", l.options.Schedule, last.Format(time.RFC3339))
}

// Actor implements engine.Loop.
func (l *Loop) Actor(engine.One, world, engine.Turn) *Options { return &l.options }

// take takes a snapshot.
type take struct{ why string }

func (take) Verb() string   { return "take" }
func (take) String() string { return "take a snapshot" }
func (t take) Why() string  { return t.why }
func (take) Do(ctx context.Context, act *Options) error {
	_, err := act.Take(ctx)
	return err
}

// prune removes what is more than is kept.
type prune struct{ surplus, keep int }

func (prune) Verb() string     { return "remove" }
func (p prune) String() string { return fmt.Sprintf("remove the %d oldest snapshots", p.surplus) }
func (p prune) Why() string    { return fmt.Sprintf("%d are kept", p.keep) }
func (prune) Do(_ context.Context, act *Options) error {
	_, err := snapshot.Prune(act.Dir, act.Name, act.Keep)
	return err
}
