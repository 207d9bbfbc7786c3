package equivalence

import (
	"context"
	"fmt"
	"slices"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// Scan is one pod's choice among all nodes that its class knows, where plugins that are not local have a say as well. Each
// of these says in one call what it thinks of all nodes; the rest is in the class. A node costs a few array look-ups.
//
// It is valid until the next one.
type Scan struct {
	*Class
	attempt  Attempt
	filtered bool // plugins that are not local filter
	refusals framework.Refusals
	verdicts *framework.Verdicts
	kinds    []int32        // by refusal, its number in verdicts; 0 where it did not occur
	numbers  []int32        // of the nodes that fit
	feasible []fwk.NodeInfo // the same
	totals   []int64        // the same
	others   framework.OtherScores
	largest  []int64 // by local plugin, the largest raw score of the nodes that fit
	moved    bool    // largest differs from what the class normalizes by
	best     []int32 // places in numbers of the nodes with the highest total
	weighted []map[int64]int64
}

// Scan brings a class up to date and filters all nodes that it knows: so many are looked at that enough fit, or all. With
// attempt.OtherFilters, the plugins that are not local have to be able to filter in a batch.
func (c *Cache) Scan(ctx context.Context, class *Class, attempt Attempt) (*Scan, error) {
	attempt.Batch = true
	s := &c.scan
	s.Class, s.attempt, s.filtered = class, attempt, attempt.OtherFilters
	all := attempt.Snapshot.Nodes()
	if err := class.profile.RunBatchFilterPlugins(ctx, attempt.State, attempt.Pod, all, &s.refusals); err != nil {
		return nil, err
	}
	for {
		if err := c.Update(ctx, class, attempt); err != nil {
			return nil, err
		}
		s.filter()
		if len(s.numbers) >= attempt.Enough || len(class.todo) == 0 {
			return s, nil
		}
		attempt.more = true
	}
}

// ScanAll is a Scan over a class that is up to date already, where no plugin that is not local filters.
func (c *Cache) ScanAll(class *Class, attempt Attempt) *Scan {
	s := &c.scan
	s.Class, s.attempt, s.filtered = class, attempt, false
	s.numbers = append(s.numbers[:0], class.feasible.numbers...)
	return s
}

// filter finds the nodes that fit, and why the others do not. Of two plugins that refuse a node, the one that comes first
// among all filters has the word.
func (s *Scan) filter() {
	kinds := s.refusals.Kinds()
	s.verdicts = s.Class.Verdicts()
	s.kinds = append(s.kinds[:0], make([]int32, len(kinds))...)
	s.numbers, s.feasible = s.numbers[:0], s.feasible[:0]
	nodes := s.attempt.Snapshot.Nodes()
	for number, pending := range s.pending {
		if pending {
			continue
		}
		kind := s.refusals.Of(number)
		switch {
		case kind == 0 && s.fits[number]:
			s.numbers = append(s.numbers, int32(number))
			s.feasible = append(s.feasible, nodes[number])
			continue
		case kind == 0:
			continue
		case !s.fits[number]:
			if _, position := s.Class.verdicts.Refused(number); position <= kinds[kind-1].Position {
				continue
			}
		}
		if s.kinds[kind-1] == 0 {
			s.kinds[kind-1] = s.verdicts.Kind(kinds[kind-1].Status, kinds[kind-1].Position)
		}
		s.verdicts.RefuseAs(number, s.kinds[kind-1])
	}
}

// Feasible returns the nodes that fit, in no order.
func (s *Scan) Feasible() []fwk.NodeInfo { return s.feasible }

// Verdicts returns why the other nodes are refused.
func (s *Scan) Verdicts() *framework.Verdicts { return s.verdicts }

// Score adds up what all plugins give to the nodes that fit. The plugins that score and are not local have to be able to do
// so in a batch.
func (s *Scan) Score(ctx context.Context) error {
	if err := s.addUp(ctx); err != nil {
		return err
	}
	a := &s.attempt
	err := s.profile.RunBatchScorePlugins(ctx, a.State, a.Pod, a.Snapshot.Nodes(), a.Snapshot.Names(), s.numbers, s.totals, &s.others)
	if err != nil {
		return err
	}
	s.scores.Evaluated()
	s.best = s.best[:0]
	for i, total := range s.totals {
		switch {
		case len(s.best) > 0 && total < s.totals[s.best[0]]:
			continue
		case len(s.best) > 0 && total > s.totals[s.best[0]]:
			s.best = s.best[:0]
		}
		s.best = append(s.best, int32(i))
	}
	return nil
}

// addUp sets the totals to what the local plugins give.
func (s *Scan) addUp(ctx context.Context) error {
	s.totals = slices.Grow(s.totals[:0], len(s.fits))[:len(s.numbers)]
	s.findLargest()
	leaves := s.byTotal.max[s.byTotal.leaves:]
	for i, number := range s.numbers {
		if !s.moved {
			s.totals[i] = leaves[number]
			continue
		}
		var total int64
		for plugin, raw := range s.rawOf(int(number)) {
			weighted, err := s.weigh(ctx, plugin, raw)
			if err != nil {
				return fmt.Errorf("adding up the scores of node %s: %w", s.attempt.Snapshot.Names().ByNumber[number], err)
			}
			total += weighted
		}
		s.totals[i] = total
	}
	return nil
}

// findLargest finds out by what the local plugins' scores are normalized: fewer nodes may fit than the class says.
func (s *Scan) findLargest() {
	s.largest, s.moved = s.largest[:0], false
	for plugin := range s.plugins.plugins {
		sum := &s.plugins.plugins[plugin]
		largest := sum.used
		if sum.normalizes && len(s.numbers) < s.fresh {
			width := s.scores.Len()
			for i, number := range s.numbers {
				if raw := s.raw[int(number)*width+plugin]; i == 0 || raw > largest {
					largest = raw
				}
			}
		}
		s.largest = append(s.largest, largest)
		s.moved = s.moved || largest != sum.used
	}
	if s.moved {
		for len(s.weighted) < len(s.largest) {
			s.weighted = append(s.weighted, map[int64]int64{})
		}
		for _, weighted := range s.weighted {
			clear(weighted)
		}
	}
}

// weigh is what a local plugin's score is worth among the nodes that fit.
func (s *Scan) weigh(ctx context.Context, plugin int, raw int64) (int64, error) {
	if s.largest[plugin] == s.plugins.plugins[plugin].used {
		return s.Class.weighted(ctx, s.attempt, plugin, raw)
	}
	if weighted, known := s.weighted[plugin][raw]; known {
		return weighted, nil
	}
	weighted, err := s.scores.Weighted(ctx, s.attempt.State, s.attempt.Pod, plugin, raw, s.largest[plugin])
	if err != nil {
		return 0, err
	}
	s.weighted[plugin][raw] = weighted
	return weighted, nil
}

// Pick returns one of the best nodes by number, each with the same chance. The nodes have to be scored, and one has to fit.
func (s *Scan) Pick(random func(n int) int) int {
	rank := 0
	if len(s.best) > 1 {
		rank = random(len(s.best))
	}
	return int(s.numbers[s.best[rank]])
}

// Plugins returns the names of the plugins that score.
func (s *Scan) Plugins() []string {
	names := s.Class.Plugins()
	for i := range s.others.Len() {
		names = append(names, s.others.Name(i))
	}
	return names
}

// Best returns the scores of the nodes with the highest totals, best first, up to a number of them.
func (s *Scan) Best(ctx context.Context, number int) []Score {
	best := make([]Score, 0, number)
	for _, i := range s.top(number) {
		node := int(s.numbers[i])
		score := Score{Number: node, Total: s.totals[i], Raw: slices.Clone(s.rawOf(node))}
		for plugin, raw := range score.Raw {
			weighted, _ := s.weigh(ctx, plugin, raw) // It is known: it is part of the total.
			score.Weighted = append(score.Weighted, weighted)
		}
		for plugin := range s.others.Len() {
			raw, weighted := s.others.Of(plugin, int(i))
			score.Raw, score.Weighted = append(score.Raw, raw), append(score.Weighted, weighted)
		}
		best = append(best, score)
	}
	return best
}

// top returns the places of the nodes with the highest totals, best first, up to a number of them.
func (s *Scan) top(number int) []int32 {
	if len(s.best) >= number {
		return s.best[:number]
	}
	top := make([]int32, 0, number+1)
	for i, total := range s.totals {
		if len(top) == number && total <= s.totals[top[number-1]] {
			continue
		}
		at := len(top)
		for at > 0 && s.totals[top[at-1]] < total {
			at--
		}
		top = slices.Insert(top, at, int32(i))
		top = top[:min(len(top), number)]
	}
	return top
}
