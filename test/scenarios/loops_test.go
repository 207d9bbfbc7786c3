package scenarios

import (
	"context"
	"errors"
	"testing"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	crconfig "sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/controllers"
	"github.com/orrery-dev/orrery/nodeagent"
	"github.com/orrery-dev/orrery/scheduler"
	"github.com/orrery-dev/orrery/webhooks"
)

// loops is all that acts: the controllers, the scheduler and simulated nodes.
type loops struct {
	naming apis.Naming
	// as is how a component reaches the API server.
	as          func(identity.Identity) *rest.Config
	controllers controllers.Options
	// fleets are the simulated nodes; run fills in how they reach the API server.
	fleets []nodeagent.FleetOptions
	// webhooks, where there are any, serve the rules for our kinds.
	webhooks webhook.Server
}

// start runs the loops until the test ends, and returns when the nodes are registered.
func (l *loops) start(t *testing.T) []*nodeagent.Fleet {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	group, ctx := errgroup.WithContext(ctx)
	t.Cleanup(func() {
		stop()
		if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("running the loops: %v", err)
		}
	})
	mgr := l.manager(t)
	group.Go(func() error { return mgr.Start(ctx) })
	s, err := scheduler.New(scheduler.Options{Config: l.as(identity.Scheduler), Scheme: newScheme(t, l.naming)})
	if err != nil {
		t.Fatal(err)
	}
	group.Go(func() error { return s.Run(ctx) })

	fleets := make([]*nodeagent.Fleet, len(l.fleets))
	for i, options := range l.fleets {
		if options.Config == nil {
			options.Config = l.as(identity.SimulatedNodes)
		}
		options.Naming, options.Log = l.naming, logr.Discard()
		if fleets[i], err = nodeagent.NewFleet(options); err != nil {
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

func (l *loops) manager(t *testing.T) manager.Manager {
	t.Helper()
	anyName := true // all targets are in one process
	config := l.as(identity.Controllers)
	mgr, err := manager.New(config, manager.Options{
		Scheme:        newScheme(t, l.naming),
		Metrics:       metricsserver.Options{BindAddress: "0"},
		Controller:    crconfig.Controller{SkipNameValidation: &anyName},
		WebhookServer: l.webhooks,
		Logger:        logr.Discard(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if l.webhooks != nil {
		webhooks.AddTo(mgr)
	}
	options := l.controllers
	if options.Discovery, err = discovery.NewDiscoveryClientForConfig(config); err != nil {
		t.Fatal(err)
	}
	if err := controllers.AddTo(mgr, options); err != nil {
		t.Fatal(err)
	}
	return mgr
}

func newScheme(t *testing.T, naming apis.Naming) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, naming); err != nil {
		t.Fatal(err)
	}
	return scheme
}
