package equivalence

import (
	"context"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// Feasible returns the nodes that the local plugins let through, in no order. It is valid until the next update.
func (t *Class) Feasible() []fwk.NodeInfo { return t.feasible.nodes }

// Verdicts returns why the other nodes are refused, as of now.
func (t *Class) Verdicts() *framework.Verdicts { return t.verdicts.Freeze() }

// Known returns what the local filters say of a node: the status of the one that refuses it and its position among all
// filters, or nil. It reports false where that is not known, or other pods are nominated to the node.
func (t *Class) Known(number int) (status *fwk.Status, position int, known bool) {
	if t.pending[number] {
		return nil, 0, false
	}
	if _, nominated := t.nominated.nodes[number]; nominated {
		return nil, 0, false
	}
	status, position = t.verdicts.Refused(number)
	return status, position, true
}

// Raw returns the scores of a node that fits by the local plugins, before normalizing, or nil where they are not known.
func (t *Class) Raw(number int) []int64 {
	if t.pending[number] || !t.fits[number] {
		return nil
	}
	return t.rawOf(number)
}

// Pick returns one of the best nodes by number, each with the same chance. There has to be a feasible node. random
// returns a number from 0 to below n.
func (t *Class) Pick(random func(n int) int) int {
	t.scores.Evaluated()
	if ties := t.byTotal.ties(); ties > 1 {
		return t.byTotal.tied(random(ties))
	}
	return t.byTotal.tied(0)
}

// Score is how the local plugins score a node.
type Score struct {
	Number int
	Total  int64
	// Raw and Weighted are by plugin in the order of Plugins.
	Raw, Weighted []int64
}

// Plugins returns the names of the local plugins that score.
func (t *Class) Plugins() []string {
	names := make([]string, t.scores.Len())
	for i := range names {
		names[i] = t.scores.Name(i)
	}
	return names
}

// Best returns the scores of the nodes with the highest totals, best first, up to a number of them.
func (t *Class) Best(ctx context.Context, a Attempt, number int) []Score {
	nodes := t.byTotal.top(make([]int, 0, number), number)
	best, width := make([]Score, len(nodes)), t.scores.Len()
	cells := make([]int64, 2*width*len(nodes))
	for n, node := range nodes {
		raw, weighted := cells[:width:width], cells[width:2*width:2*width]
		cells = cells[2*width:]
		copy(raw, t.rawOf(node))
		for i := range raw {
			weighted[i], _ = t.weighted(ctx, a, i, raw[i]) // It is known: it is part of the total.
		}
		best[n] = Score{Number: node, Total: t.byTotal.max[t.byTotal.leaves+node], Raw: raw, Weighted: weighted}
	}
	return best
}
