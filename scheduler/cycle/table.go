package cycle

import (
	"context"
	"math"
	"time"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/explain"
	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/metrics"
	"github.com/orrery-dev/orrery/scheduler/shapes"
)

// byTable is an attempt's use of the table of its shape.
type byTable struct {
	*shapes.Table
	attempt shapes.Attempt
	// decides says that nodes were found by the table, so that it can choose among them as well.
	decides bool
	// sweep is the nodes that the table found together with plugins that are not local. It may be nil.
	sweep *shapes.Sweep
}

// adoptTable gives an attempt the table of its shape, if there is one.
func (c *Cycle) adoptTable(ctx context.Context, a *attempt) {
	table := c.Tables.For(ctx, a.profile, a.pod())
	if table == nil {
		return
	}
	a.state.Adopt(table.Shared())
	a.shape = table
}

// findByTable finds nodes for a pod whose shape has a table. PreFilter has run, and names no nodes.
func (c *Cycle) findByTable(ctx context.Context, a *attempt, diagnosis *framework.Diagnosis) ([]fwk.NodeInfo, error) {
	nodes, start := c.Snapshot.Nodes(), time.Now()
	a.table = &byTable{Table: a.shape, attempt: shapes.Attempt{
		State: a.state, Pod: a.pod(), Snapshot: c.Snapshot, Start: c.start,
		Enough: c.enough(a.profile, len(nodes)), OthersFilter: a.profile.OthersFilter(a.state),
	}}
	others, feasible, verdicts := a.table.attempt.OthersFilter, a.table.Feasible, a.table.Verdicts
	var err error
	if others && a.profile.FiltersAtOnce(a.state) {
		if a.table.sweep, err = c.Tables.Sweep(ctx, a.table.Table, a.table.attempt); err != nil {
			return nil, err
		}
		feasible, verdicts = a.table.sweep.Feasible, a.table.sweep.Verdicts
	} else if err = c.Tables.Update(ctx, a.table.Table, a.table.attempt); err != nil {
		return nil, err
	} else if others {
		feasible, err := c.filter(ctx, a, nodes, diagnosis)
		c.start = (c.start + len(feasible) + diagnosis.Nodes.Len()) % len(nodes)
		return feasible, err
	}
	a.table.decides = true
	diagnosis.Nodes.SetVerdicts(verdicts())
	diagnosis.Nodes.Kinds(func(status *fwk.Status, _ int) { diagnosis.Blame(status) })
	metrics.ExtensionPointDuration.WithLabelValues(framework.Filter, fwk.Success.String(), a.profile.ProfileName()).
		Observe(time.Since(start).Seconds())
	return feasible(), nil
}

// fits filters a node, with as much of the work spared as the table knows.
func (c *Cycle) fits(ctx context.Context, a *attempt, node fwk.NodeInfo) *fwk.Status {
	if a.table == nil {
		return a.profile.RunFilterPluginsWithNominatedPods(ctx, a.state, a.pod(), node)
	}
	number := c.Snapshot.Names().Number[node.Node().Name]
	local, position, known := a.table.Known(number)
	if !known {
		return a.profile.RunFilterPluginsWithNominatedPods(ctx, a.state, a.pod(), node)
	}
	if local == nil {
		return a.profile.RunOtherFilters(ctx, a.state, a.pod(), node, math.MaxInt)
	}
	if status := a.profile.RunOtherFilters(ctx, a.state, a.pod(), node, position); !status.IsSuccess() {
		return status
	}
	return local
}

// scoreByTable scores the nodes, of which the table knows what the local plugins say.
func (c *Cycle) scoreByTable(ctx context.Context, a *attempt, nodes []fwk.NodeInfo) ([]fwk.NodePluginScores, *fwk.Status) {
	numbers := c.Snapshot.Names().Number
	return a.profile.RunScorePluginsKnowing(ctx, a.state, a.pod(), nodes, func(node int) []int64 {
		return a.table.Raw(numbers[nodes[node].Node().Name])
	})
}

// chooseByTable returns one of the best of all nodes that fit.
func (c *Cycle) chooseByTable(ctx context.Context, a *attempt) string {
	names := c.Snapshot.Names().ByNumber
	chosen := a.table.Pick(c.random)
	best := a.table.Best(ctx, a.table.attempt, explain.ScoredNodes)
	a.rememberBest(names, a.table.Plugins(), best)
	return names[chosen]
}

// chooseBySweep is chooseByTable where plugins that are not local have a say.
func (c *Cycle) chooseBySweep(ctx context.Context, a *attempt) (string, error) {
	if a.table.sweep == nil {
		a.table.sweep = c.Tables.All(a.table.Table, a.table.attempt)
	}
	sweep, names := a.table.sweep, c.Snapshot.Names().ByNumber
	if err := sweep.Score(ctx); err != nil {
		return "", err
	}
	a.rememberBest(names, sweep.Plugins(), sweep.Best(ctx, explain.ScoredNodes))
	return names[sweep.Pick(c.random)], nil
}

func (a *attempt) rememberBest(names, plugins []string, best []shapes.Score) {
	a.record.Later = explain.Both(a.record.Later, func(record *explain.Record) {
		record.Best = scored(names, plugins, best)
	})
}

func scored(names, plugins []string, best []shapes.Score) []explain.Scored {
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

// sample returns enough of the nodes that the table found for those plugins to score that it does not know. Each search
// goes on where the last one ended.
func (c *Cycle) sample(a *attempt, nodes []fwk.NodeInfo) []fwk.NodeInfo {
	enough := a.table.attempt.Enough
	if len(nodes) <= enough {
		return nodes
	}
	sample := make([]fwk.NodeInfo, 0, enough)
	from := c.start % len(nodes)
	for i := range enough {
		sample = append(sample, nodes[(from+i)%len(nodes)])
	}
	c.start = (c.start + enough) % len(c.Snapshot.Nodes())
	return sample
}
