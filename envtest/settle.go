package envtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/orrery-dev/orrery/framework/activity"
	"github.com/orrery-dev/orrery/framework/loop"
)

// Activity is what Settle waits for. A test hands it to loops of its own, by loop.Options. It is there before Start, and the same for as
// long as the environment is.
func (te *Environment) Activity() *activity.Tracker {
	te.trackOnce.Do(func() { te.tracker = activity.New(te.clock()) })
	return te.tracker
}

// clock is Clock, or nil.
func (te *Environment) clock() clock.WithTickerAndDelayedExecution {
	if te.Clock == nil {
		return nil
	}
	return te.Clock
}

// NewManager is NewManagerFor Config.
func (te *Environment) NewManager(options manager.Options) (manager.Manager, error) {
	return te.NewManagerFor(te.Config, options)
}

// NewManagerFor is a manager of controller-runtime's for a configuration of Config's server, as of As or Prove. Settle waits for its caches and for its requests, and for the loops in it that
// LoopOptions were handed to. It serves no metrics unless the options say where, and its controllers may have any names.
func (te *Environment) NewManagerFor(config *rest.Config, options manager.Options) (manager.Manager, error) {
	if options.Scheme == nil {
		options.Scheme = te.Scheme
	}
	if options.Metrics.BindAddress == "" {
		options.Metrics.BindAddress = "0"
	}
	if options.Controller.SkipNameValidation == nil {
		anyName := true
		options.Controller.SkipNameValidation = &anyName
	}
	if options.Cache.NewInformer == nil {
		options.Cache.NewInformer = loop.NewInformer
	}
	options.Cache.NewInformer = te.Activity().Informers(options.Scheme, options.Cache.NewInformer)
	return manager.New(te.tracked(config), options)
}

// LoopOptions are for loops that a test adds to a manager: Settle waits for them, and they live by Clock.
func (te *Environment) LoopOptions() loop.Options {
	return loop.Options{Clock: te.clock(), Activity: te.Activity(), AnyName: true}
}

// tracked is a configuration whose requests Settle waits for.
func (te *Environment) tracked(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.Wrap(te.Activity().Transport)
	return config
}

// Settle returns when all is at rest: the environment's parts and what else tells Activity what it does has nothing to do, caches show
// what was written last, and nothing was written since. What is to be done later is no reason to wait: Due lists it. When ctx ends before
// that, the error is an *activity.BusyError with what was at work.
//
// It does not see what nobody tells of: events that are still to be recorded, and goroutines of the test.
func (te *Environment) Settle(ctx context.Context) error {
	storage, err := te.reached()
	if err == nil {
		err = te.Activity().Rest(ctx, storage.written)
	}
	if err != nil {
		return fmt.Errorf("waiting for rest: %w", err)
	}
	return nil
}

// Due is what is to be done later, the earliest first: what has asked to be looked at again, and failures that are to be tried again.
func (te *Environment) Due() []activity.Wake { return te.Activity().Due() }

// Advance moves Clock by d, to each time in turn at which something is due, and waits for rest before and after each.
func (te *Environment) Advance(ctx context.Context, d time.Duration) error {
	if te.Clock == nil {
		return errors.New("advancing the clock: the environment has none of its own, set Clock")
	}
	until := te.Clock.Now().Add(d)
	for {
		if err := te.Settle(ctx); err != nil {
			return fmt.Errorf("advancing the clock, at %s, to %s: %w", te.Clock.Now(), until, err)
		}
		next, some := te.Clock.next(until)
		if !some && !te.Clock.Now().Before(until) {
			return nil
		}
		te.Clock.moveTo(next)
	}
}

// reached is the storage of the API server that runs.
func (te *Environment) reached() (*storage, error) {
	te.mu.Lock()
	defer te.mu.Unlock()
	if te.storage == nil {
		return nil, errors.New("the environment runs no API server of its own")
	}
	return te.storage, nil
}
