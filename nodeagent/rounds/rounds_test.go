package rounds_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/orrery-dev/orrery/nodeagent/rounds"
	"k8s.io/utils/clock"
)

func TestRoundsGoOnAfterOneThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), 35*time.Second)
		defer stop()
		begun := time.Now()
		var at []time.Duration
		logged := 0
		r := rounds.Rounds{
			Every: 10 * time.Second, What: "Looking", Clock: clock.RealClock{},
			Log: funcr.New(func(string, string) { logged++ }, funcr.Options{}),
		}
		r.Run(ctx, func(context.Context) error {
			at = append(at, time.Since(begun))
			if len(at) == 1 {
				return errors.New("no")
			}
			return nil
		})
		if len(at) != 3 || at[0] != 10*time.Second || at[2] != 30*time.Second || logged != 1 {
			t.Errorf("rounds were made at %v, and %d failures told; want 10, 20 and 30 s, and 1", at, logged)
		}
	})
}

func TestARoundThatIsInterruptedIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), 15*time.Second)
		defer stop()
		r := rounds.Rounds{
			Every: 10 * time.Second, Clock: clock.RealClock{},
			Log: funcr.New(func(_, args string) { t.Errorf("it is told: %s", args) }, funcr.Options{}),
		}
		r.Run(ctx, func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})
	})
}
