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
