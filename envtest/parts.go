package envtest

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	crconfig "sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/controllers"
	"github.com/orrery-dev/orrery/nodeagent"
	"github.com/orrery-dev/orrery/scheduler"
)

// namespaceSettle is how long a deleted namespace is kept: short, since tests wait for it to go away.
const namespaceSettle = time.Second

// components returns the parts that the switches ask for, and those of the caller.
func (te *Environment) components() []Component {
	var components []Component
	if te.Controllers {
		components = append(components, Component{Name: "controllers", Identity: identity.Controllers, Run: runControllers})
	}
	if te.Scheduler {
		components = append(components, Component{Name: "scheduler", Identity: identity.Scheduler, Run: runScheduler})
	}
	if te.SimulatedNodes > 0 {
		components = append(components, Component{Name: "simulated nodes", Identity: identity.SimulatedNodes, Run: runNodes(te.SimulatedNodes)})
	}
	return append(components, te.Components...)
}

func kubernetesScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		return nil, fmt.Errorf("registering kinds: %w", err)
	}
	return scheme, nil
}

func runControllers(ctx context.Context, config *rest.Config) error {
	scheme, err := kubernetesScheme()
	if err != nil {
		return err
	}
	anyName := true // another environment of this process has controllers of the same names
	mgr, err := manager.New(config, manager.Options{
		Scheme:     scheme,
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Controller: crconfig.Controller{SkipNameValidation: &anyName},
		Logger:     logr.Discard(),
	})
	if err != nil {
		return fmt.Errorf("creating the manager: %w", err)
	}
	kinds, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return fmt.Errorf("creating a client for discovery: %w", err)
	}
	if err := controllers.AddTo(mgr, controllers.Options{
		Discovery:       kinds,
		Canonical:       apis.Kubernetes.GroupKind,
		RootCA:          config.CAData,
		NamespaceSettle: namespaceSettle,
	}); err != nil {
		return err
	}
	return mgr.Start(ctx)
}

func runScheduler(ctx context.Context, config *rest.Config) error {
	scheme, err := kubernetesScheme()
	if err != nil {
		return err
	}
	s, err := scheduler.New(scheduler.Options{Config: config, Scheme: scheme})
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

func runNodes(n int) func(context.Context, *rest.Config) error {
	return func(ctx context.Context, config *rest.Config) error {
		fleet, err := nodeagent.NewFleet(nodeagent.FleetOptions{Config: config, Nodes: n, Log: logr.Discard()})
		if err != nil {
			return err
		}
		return fleet.Run(ctx)
	}
}
