package envtest

import (
	"context"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/nodeagent"
)

// components returns the parts that the switches ask for, and those of the caller.
func (te *Environment) components() []Component {
	var components []Component
	add := func(name string, who identity.Identity, part func(wiring.Cluster) (wiring.Part, error)) {
		components = append(components, Component{Name: name, Identity: who, Run: te.runner(name, part)})
	}
	if te.Controllers {
		add("controllers", identity.ControllerCache, func(c wiring.Cluster) (wiring.Part, error) {
			return wiring.NewControllers(c, wiring.ControllersOptions{Loops: wiring.Loops{Cluster: true}})
		})
	}
	if te.Scheduler {
		add("scheduler", identity.Scheduler, func(c wiring.Cluster) (wiring.Part, error) {
			return wiring.NewScheduler(c, nil)
		})
	}
	if te.SimulatedNodes > 0 {
		add("simulated nodes", identity.SimulatedNodes, func(c wiring.Cluster) (wiring.Part, error) {
			return wiring.NewFleet(c, nodeagent.FleetOptions{Nodes: te.SimulatedNodes})
		})
	}
	return append(components, te.Components...)
}

// runner runs a part of the environment's cluster, which is our own unless it was there before.
func (te *Environment) runner(name string, build func(wiring.Cluster) (wiring.Part, error)) func(context.Context, *rest.Config) error {
	cluster := wiring.Cluster{Naming: apis.Kubernetes, Log: logr.Discard()}
	if te.server != nil {
		cluster = cluster.Beside(te.server)
		if direct := cluster.ConfigOf; te.Faults != nil {
			cluster.ConfigOf = func(loop string) (*rest.Config, error) {
				config, err := direct(loop)
				if err != nil {
					return nil, err
				}
				return te.Faults.Config(config, loop, name), nil
			}
		}
	}
	return func(ctx context.Context, config *rest.Config) error {
		cluster.Config = config
		part, err := build(cluster)
		if err != nil {
			return err
		}
		return part.Run(ctx)
	}
}
