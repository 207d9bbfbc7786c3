package cycle

import (
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
)

// placement is a part of the cluster. Nil is all of it.
type placement struct {
	nodes []fwk.NodeInfo
	names sets.Set[string]
}

func newPlacement(of *fwk.Placement) *placement {
	p := &placement{nodes: of.Nodes, names: sets.New[string]()}
	for _, node := range of.Nodes {
		p.names.Insert(node.Node().Name)
	}
	return p
}

func (p *placement) has(node string) bool { return p == nil || p.names.Has(node) }

// nodes returns the nodes on which pods may be placed now: all, or those that their group is tried on.
func (c *Cycle) nodes() []fwk.NodeInfo {
	if c.placement != nil {
		return c.placement.nodes
	}
	return c.Snapshot.Nodes()
}
