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

// simulatedNodes is the name of the component that they are.
const simulatedNodes = "simulated nodes"

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
		add(simulatedNodes, identity.SimulatedNodes, func(c wiring.Cluster) (wiring.Part, error) {
			fleet, err := wiring.NewFleet(c, nodeagent.FleetOptions{Nodes: te.SimulatedNodes})
			te.fleet.Store(fleet)
			return fleet, err
		})
	}
	return append(components, te.Components...)
}

// runner runs a part of the environment's cluster, which is our own unless it was there before.
func (te *Environment) runner(name string, build func(wiring.Cluster) (wiring.Part, error)) func(context.Context, *rest.Config) error {
	cluster := wiring.Cluster{Naming: apis.Kubernetes, Clock: te.clock(), Activity: te.Activity(), Log: logr.Discard()}
	if te.server != nil {
		cluster = cluster.Beside(te.server)
		direct := cluster.ConfigOf
		cluster.ConfigOf = func(loop string) (*rest.Config, error) {
			config, err := direct(loop)
			if err != nil {
				return nil, err
			}
			if te.Faults != nil {
				config = te.Faults.Config(config, loop, name)
			}
			return te.tracked(config), nil
		}
	}
	return func(ctx context.Context, config *rest.Config) error {
		cluster.Config = config
		begun := te.Activity().Begin("the start of " + name)
		defer begun()
		part, err := build(cluster)
		if err != nil {
			return err
		}
		return wiring.Run(ctx, part, begun)
	}
}
