package cycle

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/cache"
	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/metrics"
)

// pluginFinder asks the plugins, and then the extenders, about one node after the other until enough fit.
type pluginFinder struct {
	c     *Cycle
	a     *attempt
	nodes []fwk.NodeInfo
}

func (f *pluginFinder) find(ctx context.Context, diagnosis *framework.Diagnosis) ([]fwk.NodeInfo, error) {
	feasible, err := f.c.filter(ctx, f.a, f.nodes, f.fits, diagnosis)
	f.c.advance(len(feasible) + diagnosis.Nodes.Len())
	if err != nil {
		return nil, err
	}
	return f.c.filterByExtenders(ctx, f.a, feasible, diagnosis)
}

func (f *pluginFinder) fits(ctx context.Context, node fwk.NodeInfo) *fwk.Status {
	return f.a.profile.RunFilterPluginsWithNominatedPods(ctx, f.a.state, f.a.pod(), node)
}

func (f *pluginFinder) choose(ctx context.Context, nodes []fwk.NodeInfo) (string, error) {
	scores, status := f.a.profile.RunScorePlugins(ctx, f.a.state, f.a.pod(), nodes)
	if !status.IsSuccess() {
		return "", status.AsError()
	}
	return f.c.bestOf(ctx, f.a, nodes, scores)
}

// advance makes the next search start after the nodes that were looked at, so that all get their turn.
func (c *Cycle) advance(looked int) { c.start = (c.start + looked) % len(c.nodes()) }

// filter runs the filters on the nodes, side by side, until enough fit. fits says of one node whether it does.
func (c *Cycle) filter(ctx context.Context, a *attempt, nodes []fwk.NodeInfo, fits func(context.Context, fwk.NodeInfo) *fwk.Status,
	diagnosis *framework.Diagnosis,
) ([]fwk.NodeInfo, error) {
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
		goesOn := search.take(i, node, fits(ctx, node))
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
				diagnosis.AddPluginStatus(status)
			}
		}
		return
	}
	verdicts := framework.NewVerdicts(snapshot.Names())
	for number, status := range s.refused {
		if status != nil {
			verdicts.Refuse(number, status, 0)
			diagnosis.AddPluginStatus(status)
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
