package events

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Source has events to tell.
type Source interface {
	// Past are the events that there were, in any order. It is called once.
	Past(ctx context.Context) ([]Event, error)
	// Follow tells those that come after Past, until ctx ends or there can be no more, which is an error.
	Follow(ctx context.Context, tell func(Event)) error
}

// Stream tells the events of all sources that a filter keeps: those that there were, by time, and if follow is set those that come,
// until ctx ends, which is no error. tell is called for one event at a time.
func Stream(ctx context.Context, sources []Source, filter Filter, follow bool, tell func(Event) error) error {
	past, err := gather(ctx, sources)
	if err != nil {
		return err
	}
	for _, e := range past {
		if filter.Keeps(e) {
			if err := tell(e); err != nil {
				return err
			}
		}
	}
	if !follow {
		return nil
	}
	following, inner := errgroup.WithContext(ctx)
	var mu sync.Mutex
	for _, source := range sources {
		following.Go(func() error {
			followed, stop := context.WithCancel(inner)
			defer stop()
			var untold error
			err := source.Follow(followed, func(e Event) {
				mu.Lock()
				defer mu.Unlock()
				if followed.Err() != nil || !filter.Keeps(e) {
					return
				}
				if untold = tell(e); untold != nil {
					stop()
				}
			})
			return cmp.Or(untold, err)
		})
	}
	if err := following.Wait(); ctx.Err() == nil {
		return err
	}
	return nil
}

// pastPatience is how long sources have to tell of the past. One that hangs is an error then.
const pastPatience = 15 * time.Second

func gather(ctx context.Context, sources []Source) ([]Event, error) {
	ctx, cancel := context.WithTimeout(ctx, pastPatience)
	defer cancel()
	gathering, ctx := errgroup.WithContext(ctx)
	found := make([][]Event, len(sources))
	for i, source := range sources {
		gathering.Go(func() (err error) {
			found[i], err = source.Past(ctx)
			return err
		})
	}
	if err := gathering.Wait(); err != nil {
		return nil, err
	}
	past := slices.Concat(found...)
	slices.SortStableFunc(past, func(a, b Event) int { return a.At.Compare(b.At) })
	return past, nil
}
