package rounds

import (
	"context"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"
)

// Rounds are those of one manager.
type Rounds struct {
	// Every is the rest before each round, before the first one too.
	Every time.Duration
	// What is said of a round that fails: "Rotating the logs of containers".
	What  string
	Clock clock.Clock
	Log   logr.Logger
}

// Run makes rounds until ctx ends.
func (r Rounds) Run(ctx context.Context, round func(context.Context) error) {
	timer := r.Clock.NewTimer(r.Every)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C():
		}
		if err := round(ctx); err != nil && ctx.Err() == nil {
			r.Log.Error(err, r.What)
		}
		timer.Reset(r.Every)
	}
}
