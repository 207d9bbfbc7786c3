package activity

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	// askAgain is how often parts are asked that cannot tell, while somebody waits.
	askAgain = 5 * time.Millisecond
	// lull is how long nothing changes before a cache that is behind compares what it has with what there is; the next time twice as
	// long.
	lull = 10 * time.Millisecond
)

// Revisions say what has been written to the storage of an API server.
type Revisions struct {
	// At is the revision of the storage.
	At uint64
	// Of is the revision at which something of a kind was written or deleted last; 0 if nothing was that would have to be waited for.
	Of func(kind schema.GroupKind) uint64
}

// Cache follows what is written.
type Cache interface {
	// Behind says what it is of which it has not yet shown all that was written to those who are told of its changes; empty if it
	// has. When it shows more, it calls Changed of the Tracker.
	Behind(written Revisions) string
	// Compare looks whether it is behind for no reason but that what was written is none of its concern.
	Compare(ctx context.Context, written Revisions)
}

// AddCache has a cache waited for.
func (t *Tracker) AddCache(c Cache) (remove func()) {
	if t == nil {
		return func() {}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.caches[c] = struct{}{}
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.caches, c)
		t.tell()
	}
}

// BusyError says what was still under way when nobody waited any longer.
type BusyError struct {
	// Busy is what was under way, and which caches were behind, in words; nothing where only what was written was not known yet.
	Busy []string
	// Err is why nobody waited any longer.
	Err error
}

func (e *BusyError) Error() string {
	if len(e.Busy) == 0 {
		return e.Err.Error()
	}
	return fmt.Sprintf("%v, and at work still: %s", e.Err, strings.Join(e.Busy, ", "))
}

func (e *BusyError) Unwrap() error { return e.Err }

// Rest returns when all is at rest: nothing is under way, and all caches show what was written. written says what that is. The error
// is written's, or a *BusyError when ctx ended before.
func (t *Tracker) Rest(ctx context.Context, written func(context.Context) (Revisions, error)) error {
	for {
		before, err := t.ask(ctx, written)
		if err != nil {
			return err
		}
		begun, err := t.await(ctx, before)
		if err != nil {
			return err
		}
		after, err := t.ask(ctx, written)
		if err != nil {
			return err
		}
		// Whoever works has begun to before the storage changes by it; so if neither has, there was rest all the time between.
		if busy, still, _ := t.look(); len(busy) == 0 && still == begun && after.At == before.At {
			return nil
		}
	}
}

// ask asks what was written. Where ctx ends before that is known, what is under way is no less worth knowing.
func (t *Tracker) ask(ctx context.Context, written func(context.Context) (Revisions, error)) (Revisions, error) {
	revisions, err := written(ctx)
	if err != nil && ctx.Err() != nil {
		busy, _, _ := t.look()
		return revisions, &BusyError{Busy: busy, Err: err}
	}
	return revisions, err
}

// await waits until nothing is under way and all caches show what was written, and says how much had begun by then.
func (t *Tracker) await(ctx context.Context, written Revisions) (begun uint64, err error) {
	patience, quiet := lull, time.Duration(0)
	for {
		_, _, changed := t.look()
		behind := t.behind(written)
		// A cache has woken whom it had to before it says what it shows, so that they are busy by now.
		busy, begun, _ := t.look()
		if len(busy) == 0 && len(behind) == 0 {
			return begun, nil
		}
		timer := time.NewTimer(askAgain)
		select {
		case <-changed:
			quiet = 0
		case <-timer.C:
			if quiet += askAgain; quiet < patience {
				break
			}
			for c := range behind {
				c.Compare(ctx, written)
			}
			patience, quiet = 2*patience, 0
		case <-ctx.Done():
			timer.Stop()
			return 0, &BusyError{Busy: append(busy, slices.Sorted(maps.Values(behind))...), Err: context.Cause(ctx)}
		}
		timer.Stop()
	}
}

// behind are the caches that do not show all yet, with what they are.
func (t *Tracker) behind(written Revisions) map[Cache]string {
	t.mu.Lock()
	caches := slices.Collect(maps.Keys(t.caches))
	t.mu.Unlock()
	behind := map[Cache]string{}
	for _, c := range caches {
		if what := c.Behind(written); what != "" {
			behind[c] = what
		}
	}
	return behind
}
