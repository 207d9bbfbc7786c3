package cycle

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/equivalence"
	"github.com/orrery-dev/orrery/scheduler/framework"
)

// A search looks for at least this many nodes that fit, and at least this share of all, before it stops early.
const (
	leastFeasible        = 100
	leastFeasiblePercent = 5
)

// finder finds nodes for a pod, and chooses among them. There are two: pluginFinder asks the plugins about each node, and
// classFinder takes from the pod's equivalence class what they said of nodes before.
type finder interface {
	// find returns nodes on which the pod fits, and notes in the diagnosis why it does not on the others that it has looked
	// at. PreFilter has run.
	find(ctx context.Context, diagnosis *framework.Diagnosis) ([]fwk.NodeInfo, error)
	// choose returns one of the best of the nodes that find has returned, of which there are several. PreScore has run.
	choose(ctx context.Context, nodes []fwk.NodeInfo) (string, error)
}

// find returns nodes that fit the pod, and why the others that were looked at do not.
func (c *Cycle) find(ctx context.Context, a *attempt) ([]fwk.NodeInfo, *framework.Diagnosis, error) {
	diagnosis := framework.NewDiagnosis()
	class := c.adoptClass(ctx, a)
	narrowed, status, narrowing := a.profile.RunPreFilterPlugins(ctx, a.state, a.pod())
	diagnosis.UnschedulablePlugins = narrowing
	if !status.IsSuccess() {
		if !status.IsRejected() {
			return nil, diagnosis, status.AsError()
		}
		diagnosis.Nodes.SetAbsent(status)
		diagnosis.PreFilterMessage = status.Message()
		diagnosis.AddPluginStatus(status)
		return nil, diagnosis, nil
	}
	if node := a.pod().Status.NominatedNodeName; node != "" {
		feasible, err := c.tryNominated(ctx, a, node, diagnosis)
		if err != nil {
			klog.FromContext(ctx).Error(err, "Nominated node could not be tried; all nodes are", "node", node)
		}
		if len(feasible) > 0 {
			return feasible, diagnosis, nil
		}
	}
	if !narrowed.AllNodes() {
		diagnosis.Nodes.SetAbsent(fwk.NewStatus(fwk.UnschedulableAndUnresolvable,
			fmt.Sprintf("node(s) didn't satisfy plugin(s) %v", sets.List(narrowing))))
	}
	a.finder = c.finderFor(a, class, narrowed)
	feasible, err := a.finder.find(ctx, diagnosis)
	return feasible, diagnosis, err
}

// finderFor returns what finds nodes for an attempt whose pod may have a class, and may be narrowed to some nodes.
func (c *Cycle) finderFor(a *attempt, class *equivalence.Class, narrowed *fwk.PreFilterResult) finder {
	switch {
	case !narrowed.AllNodes():
		return &pluginFinder{c, a, c.named(narrowed.NodeNames)}
	case class == nil || c.placement != nil:
		return &pluginFinder{c, a, c.nodes()}
	}
	return newClassFinder(c, a, class)
}

// tryNominated looks first at the node that was made free for the pod.
func (c *Cycle) tryNominated(ctx context.Context, a *attempt, name string, diagnosis *framework.Diagnosis) ([]fwk.NodeInfo, error) {
	node, err := c.Snapshot.Get(name)
	if err != nil || !c.placement.has(name) {
		return nil, err
	}
	single := &pluginFinder{c, a, []fwk.NodeInfo{node}}
	feasible, err := c.filter(ctx, a, single.nodes, single.fits, diagnosis)
	if err != nil {
		return nil, err
	}
	return c.filterByExtenders(ctx, a, feasible, diagnosis)
}

// named returns those of the named nodes that exist, in the order of all nodes.
func (c *Cycle) named(names sets.Set[string]) []fwk.NodeInfo {
	nodes := make([]fwk.NodeInfo, 0, len(names))
	for _, name := range sets.List(names) {
		if node, err := c.Snapshot.Get(name); err == nil && c.placement.has(name) {
			nodes = append(nodes, node)
		}
	}
	return nodes
}

// enough returns how many feasible nodes end a search.
func (c *Cycle) enough(profile *framework.Framework, nodes int) int {
	if !profile.HasScorePlugins() && !scoredByExtenders(profile) && !filteredByExtenders(profile) {
		return min(nodes, 1) // Nothing chooses among them.
	}
	if nodes < leastFeasible {
		return nodes
	}
	percentage := int(c.PercentageOfNodesToScore)
	if own := profile.PercentageOfNodesToScore(); own != nil {
		percentage = int(*own)
	}
	if percentage == 0 {
		percentage = max(leastFeasiblePercent, 50-nodes/125)
	}
	return max(leastFeasible, nodes*percentage/100)
}
