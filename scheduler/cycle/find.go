package cycle

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/cache"
	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/metrics"
)

// A search looks for at least this many nodes that fit, and at least this share of all, before it stops early.
const (
	leastFeasible        = 100
	leastFeasiblePercent = 5
)

// find returns nodes that fit the pod, and why the others that were looked at do not.
func (c *Cycle) find(ctx context.Context, a *attempt) ([]fwk.NodeInfo, *framework.Diagnosis, error) {
	diagnosis := framework.NewDiagnosis()
	c.adoptTable(ctx, a)
	narrowed, status, narrowing := a.profile.RunPreFilterPlugins(ctx, a.state, a.pod())
	diagnosis.UnschedulablePlugins = narrowing
	if !status.IsSuccess() {
		if !status.IsRejected() {
			return nil, diagnosis, status.AsError()
		}
		diagnosis.Nodes.SetAbsent(status)
		diagnosis.PreFilterMessage = status.Message()
		diagnosis.Blame(status)
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
	if a.shape != nil && c.within == nil && narrowed.AllNodes() {
		feasible, err := c.findByTable(ctx, a, diagnosis)
		return feasible, diagnosis, err
	}
	nodes := c.nodes()
	if !narrowed.AllNodes() {
		nodes = c.named(narrowed.NodeNames)
		diagnosis.Nodes.SetAbsent(fwk.NewStatus(fwk.UnschedulableAndUnresolvable,
			fmt.Sprintf("node(s) didn't satisfy plugin(s) %v", sets.List(narrowing))))
	}
	feasible, err := c.filter(ctx, a, nodes, diagnosis)
	looked := len(feasible) + diagnosis.Nodes.Len()
	c.start = (c.start + looked) % len(c.nodes())
	if err == nil {
		feasible, err = c.filterByExtenders(ctx, a, feasible, diagnosis)
	}
	return feasible, diagnosis, err
}

// tryNominated looks first at the node that was made free for the pod.
func (c *Cycle) tryNominated(ctx context.Context, a *attempt, name string, diagnosis *framework.Diagnosis) ([]fwk.NodeInfo, error) {
	node, err := c.Snapshot.Get(name)
	if err != nil || !c.within.has(name) {
		return nil, err
	}
	feasible, err := c.filter(ctx, a, []fwk.NodeInfo{node}, diagnosis)
	if err != nil {
		return nil, err
	}
	return c.filterByExtenders(ctx, a, feasible, diagnosis)
}

// named returns those of the named nodes that exist, in the order of all nodes.
func (c *Cycle) named(names sets.Set[string]) []fwk.NodeInfo {
	nodes := make([]fwk.NodeInfo, 0, len(names))
	for _, name := range sets.List(names) {
		if node, err := c.Snapshot.Get(name); err == nil && c.within.has(name) {
			nodes = append(nodes, node)
		}
	}
	return nodes
}

// filter runs the filters on the nodes, side by side, until enough fit.
func (c *Cycle) filter(ctx context.Context, a *attempt, nodes []fwk.NodeInfo, diagnosis *framework.Diagnosis) ([]fwk.NodeInfo, error) {
	search := &search{
		nodes:    nodes,
		start:    c.start,
		feasible: make([]fwk.NodeInfo, c.enough(a.profile, len(nodes))),
		refused:  make([]*fwk.Status, len(nodes)),
	}
	defer func(start time.Time) {
		metrics.ExtensionPointDuration.WithLabelValues(framework.Filter, search.code().String(), a.profile.ProfileName()).
			Observe(time.Since(start).Seconds())
	}(time.Now())
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(errors.New("the search for nodes has ended"))
	a.profile.Compute(ctx, len(nodes), framework.Filter, func(i int) bool {
		node := search.at(i)
		goesOn := search.take(i, node, c.fits(ctx, a, node))
		if !goesOn {
			cancel(errors.New("enough nodes fit, or filtering another node failed")) // For plugins that watch it.
		}
		return goesOn
	})
	search.diagnose(c.Snapshot, diagnosis)
	return search.feasible[:min(int(search.found.Load()), len(search.feasible))], search.err
}

// search is one run of the filters.
type search struct {
	nodes    []fwk.NodeInfo
	start    int
	feasible []fwk.NodeInfo // of which the first found are set
	found    atomic.Int32
	refused  []*fwk.Status // by index in nodes; nil where the node fits or was not looked at
	failed   sync.Once
	err      error
}

func (s *search) index(i int) int       { return (s.start + i) % len(s.nodes) }
func (s *search) at(i int) fwk.NodeInfo { return s.nodes[s.index(i)] }

// take notes what the filters say of one node. It reports whether the search goes on.
func (s *search) take(i int, node fwk.NodeInfo, status *fwk.Status) bool {
	switch {
	case status.IsError():
		s.failed.Do(func() { s.err = status.AsError() })
		return false
	case status.IsSuccess():
		found := int(s.found.Add(1))
		if found <= len(s.feasible) {
			s.feasible[found-1] = node
		}
		return found < len(s.feasible)
	}
	s.refused[s.index(i)] = status
	return true
}

// diagnose hands over why nodes were refused.
func (s *search) diagnose(snapshot *cache.Snapshot, diagnosis *framework.Diagnosis) {
	if all := snapshot.Nodes(); len(all) != len(s.nodes) || &all[0] != &s.nodes[0] {
		for i, status := range s.refused {
			if status != nil {
				diagnosis.Nodes.Set(s.nodes[i].Node().Name, status)
				diagnosis.Blame(status)
			}
		}
		return
	}
	verdicts := framework.NewVerdicts(snapshot.Names())
	for number, status := range s.refused {
		if status != nil {
			verdicts.Refuse(number, status, 0)
			diagnosis.Blame(status)
		}
	}
	diagnosis.Nodes.SetVerdicts(verdicts)
}

func (s *search) code() fwk.Code {
	if s.err != nil {
		return fwk.Error
	}
	return fwk.Success
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
