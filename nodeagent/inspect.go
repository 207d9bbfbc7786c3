package nodeagent

import (
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/nodeagent/pods"
)

// Inspector shows what the node agent would do next about a pod of any of its nodes, and what it did last. Its keys are
// NAMESPACE/NAME.
func (n *nodes) Inspector() engine.Inspector {
	loops := make([]*pods.Loop, 0, len(n.order))
	for _, one := range n.order {
		loops = append(loops, one.loop)
	}
	return pods.Inspect(loops...)
}

// Inspectors are that of the pods, those of the loops that keep the node from running out of things, those of static pods, and that of
// the machine's shutdown.
func (a *Agent) Inspectors() []engine.Inspector {
	all := []engine.Inspector{a.Inspector(), a.eviction.Inspector(), a.images.Inspector(), a.order[0].static.mirrors.Inspector()}
	if a.shutdown != nil {
		all = append(all, a.shutdown.Inspector())
	}
	if manifests := a.order[0].static.loop; manifests != nil {
		all = append(all, manifests.Inspector())
	}
	return all
}
