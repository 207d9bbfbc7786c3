package scenarios

import (
	"context"
	"errors"
	"testing"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/nodeagent"
)

// loops is all that acts: the controllers, the scheduler and simulated nodes.
type loops struct {
	naming apis.Naming
	// own says that the API server is ours.
	own bool
	// as is how a component reaches the API server.
	as func(identity.Identity) *rest.Config
	// configOf is how one control loop does; nil means as all of them.
	configOf func(loop string) (*rest.Config, error)
	// controllers are told this; they are all loops in any case, for no server here has any other.
	controllers wiring.Loops
	// fleets are the simulated nodes, which reach the API server as other components do, unless they say how.
	fleets []nodeagent.FleetOptions
	// webhooks, where there are any, serve the rules for our kinds.
	webhooks *wiring.Webhooks
}

// start runs the loops until the test ends, and returns when the nodes are registered.
func (l *loops) start(t *testing.T) []*nodeagent.Fleet {
	t.Helper()
	l.startControllers(t)
	group, ctx := untilTheEnd(t)
	s, err := wiring.NewScheduler(l.cluster(l.as(identity.Scheduler)), nil)
	if err != nil {
		t.Fatal(err)
	}
	group.Go(func() error { return s.Run(ctx) })

	fleets := make([]*nodeagent.Fleet, len(l.fleets))
	for i, options := range l.fleets {
		config := options.Config
		if config == nil {
			config = l.as(identity.SimulatedNodes)
		}
		if fleets[i], err = wiring.NewFleet(l.cluster(config), options); err != nil {
			t.Fatal(err)
		}
		group.Go(func() error { return fleets[i].Run(ctx) })
	}
	for _, fleet := range fleets {
		select {
		case <-fleet.Ready():
		case <-ctx.Done():
			t.Fatal("the loops ended before the nodes were registered")
		}
	}
	return fleets
}

// startControllers runs the controllers alone until the test ends.
func (l *loops) startControllers(t *testing.T) {
	t.Helper()
	l.controllers.Cluster = true
	cluster := l.cluster(l.as(identity.ControllerCache))
	cluster.ConfigOf = l.configOf
	controllers, err := wiring.NewControllers(cluster, wiring.ControllersOptions{
		Loops: l.controllers, Webhooks: l.webhooks,
	})
	if err != nil {
		t.Fatal(err)
	}
	group, ctx := untilTheEnd(t)
	group.Go(func() error { return controllers.Run(ctx) })
}

// untilTheEnd is for what runs until the test ends or a part of it fails.
func untilTheEnd(t *testing.T) (*errgroup.Group, context.Context) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	group, ctx := errgroup.WithContext(ctx)
	t.Cleanup(func() {
		stop()
		if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("running the loops: %v", err)
		}
	})
	return group, ctx
}

func (l *loops) cluster(config *rest.Config) wiring.Cluster {
	return wiring.Cluster{Config: config, Naming: l.naming, Own: l.own, Log: logr.Discard()}
}

func newScheme(t *testing.T, naming apis.Naming) *runtime.Scheme {
	t.Helper()
	scheme, err := wiring.Scheme(naming)
	if err != nil {
		t.Fatal(err)
	}
	return scheme
}
