package cycle

import (
	"context"
	"math"
	"time"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/equivalence"
	"github.com/orrery-dev/orrery/scheduler/explain"
	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/metrics"
)

// classFinder takes from the pod's equivalence class what the local plugins said of nodes, and asks only the others.
type classFinder struct {
	*equivalence.Class
	c       *Cycle
	a       *attempt
	attempt equivalence.Attempt
	// decides says that the class found the nodes, so that it can choose among them as well.
	decides bool
	// scan is the nodes that the class found together with plugins that are not local. It may be nil.
	scan *equivalence.Scan
}

// adoptClass gives an attempt what its class knows before it looks at nodes, and returns the class if the pod has one.
func (c *Cycle) adoptClass(ctx context.Context, a *attempt) *equivalence.Class {
	class := c.Classes.ClassOf(ctx, a.profile, a.pod())
	if class != nil {
		a.state.Adopt(class.State())
	}
	return class
}

func newClassFinder(c *Cycle, a *attempt, class *equivalence.Class) *classFinder {
	return &classFinder{Class: class, c: c, a: a, attempt: equivalence.Attempt{
		State: a.state, Pod: a.pod(), Snapshot: c.Snapshot, Start: c.start,
		Enough: c.enough(a.profile, len(c.nodes())), OtherFilters: a.profile.HasOtherFilters(a.state),
	}}
}

func (f *classFinder) find(ctx context.Context, diagnosis *framework.Diagnosis) ([]fwk.NodeInfo, error) {
	start, others := time.Now(), f.attempt.OtherFilters
	feasible, verdicts := f.Feasible, f.Verdicts
	var err error
	if others && f.a.profile.CanBatchFilter(f.a.state) {
		if f.scan, err = f.c.Classes.Scan(ctx, f.Class, f.attempt); err != nil {
			return nil, err
		}
		feasible, verdicts = f.scan.Feasible, f.scan.Verdicts
	} else if err = f.c.Classes.Update(ctx, f.Class, f.attempt); err != nil {
		return nil, err
	} else if others {
		feasible, err := f.c.filter(ctx, f.a, f.c.nodes(), f.fits, diagnosis)
		f.c.advance(len(feasible) + diagnosis.Nodes.Len())
		return feasible, err
	}
	f.decides = true
	diagnosis.Nodes.SetVerdicts(verdicts())
	diagnosis.Nodes.Kinds(func(status *fwk.Status, _ int) { diagnosis.AddPluginStatus(status) })
	metrics.ExtensionPointDuration.WithLabelValues(framework.Filter, fwk.Success.String(), f.a.profile.ProfileName()).
		Observe(time.Since(start).Seconds())
	return feasible(), nil
}

// fits filters a node, with as much of the work spared as the class knows.
func (f *classFinder) fits(ctx context.Context, node fwk.NodeInfo) *fwk.Status {
	profile, state, pod := f.a.profile, f.a.state, f.a.pod()
	local, position, known := f.Known(f.c.Snapshot.Names().Number[node.Node().Name])
	if !known {
		return profile.RunFilterPluginsWithNominatedPods(ctx, state, pod, node)
	}
	if local == nil {
		return profile.RunOtherFilters(ctx, state, pod, node, math.MaxInt)
	}
	if status := profile.RunOtherFilters(ctx, state, pod, node, position); !status.IsSuccess() {
		return status
	}
	return local
}

// choose lets the class choose among all nodes that fit, alone or together with the plugins that it does not know. Where
// these cannot score all nodes in one call, they score enough of them.
func (f *classFinder) choose(ctx context.Context, nodes []fwk.NodeInfo) (string, error) {
	if !f.decides {
		return f.score(ctx, nodes)
	}
	switch others := f.a.profile.HasOtherScorers(f.a.state); {
	case !others && f.scan == nil:
		return f.pick(ctx), nil
	case !others || f.a.profile.CanBatchScore(f.a.state):
		return f.pickFromScan(ctx)
	}
	if len(nodes) > f.attempt.Enough {
		nodes = f.sample(nodes)
		if status := f.a.profile.RunPreScorePlugins(ctx, f.a.state, f.a.pod(), nodes); !status.IsSuccess() {
			return "", status.AsError()
		}
	}
	return f.score(ctx, nodes)
}

// score scores the nodes, of which the class knows what the local plugins say, and returns one of the best.
func (f *classFinder) score(ctx context.Context, nodes []fwk.NodeInfo) (string, error) {
	numbers := f.c.Snapshot.Names().Number
	scores, status := f.a.profile.RunScorePluginsKnowing(ctx, f.a.state, f.a.pod(), nodes, func(node int) []int64 {
		return f.Raw(numbers[nodes[node].Node().Name])
	})
	if !status.IsSuccess() {
		return "", status.AsError()
	}
	return f.c.bestOf(ctx, f.a, nodes, scores)
}

// pick returns one of the best of all nodes that fit.
func (f *classFinder) pick(ctx context.Context) string {
	names := f.c.Snapshot.Names().ByNumber
	chosen := f.Pick(f.c.random)
	f.a.rememberBest(names, f.Plugins(), f.Best(ctx, f.attempt, explain.ScoredNodes))
	return names[chosen]
}

// pickFromScan is pick where plugins that are not local have a say.
func (f *classFinder) pickFromScan(ctx context.Context) (string, error) {
	if f.scan == nil {
		f.scan = f.c.Classes.ScanAll(f.Class, f.attempt)
	}
	names := f.c.Snapshot.Names().ByNumber
	if err := f.scan.Score(ctx); err != nil {
		return "", err
	}
	f.a.rememberBest(names, f.scan.Plugins(), f.scan.Best(ctx, explain.ScoredNodes))
	return names[f.scan.Pick(f.c.random)], nil
}

// sample returns enough of the nodes for those plugins to score that the class does not know. Each search goes on where
// the last one ended.
func (f *classFinder) sample(nodes []fwk.NodeInfo) []fwk.NodeInfo {
	enough := f.attempt.Enough
	sample := make([]fwk.NodeInfo, 0, enough)
	from := f.c.start % len(nodes)
	for i := range enough {
		sample = append(sample, nodes[(from+i)%len(nodes)])
	}
	f.c.advance(enough)
	return sample
}

func (a *attempt) rememberBest(names, plugins []string, best []equivalence.Score) {
	a.record.Later = explain.Both(a.record.Later, func(record *explain.Record) {
		record.Best = scored(names, plugins, best)
	})
}

func scored(names, plugins []string, best []equivalence.Score) []explain.Scored {
	byPlugin := func(scores []int64) map[string]int64 {
		named := make(map[string]int64, len(scores))
		for i, score := range scores {
			named[plugins[i]] = score
		}
		return named
	}
	result := make([]explain.Scored, len(best))
	for i, score := range best {
		result[i] = explain.Scored{Node: names[score.Number], Total: score.Total, Raw: byPlugin(score.Raw), Weighted: byPlugin(score.Weighted)}
	}
	return result
}
