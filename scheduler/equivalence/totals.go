package equivalence

import (
	"context"
	"fmt"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// pluginScores turn raw scores into totals.
type pluginScores struct {
	plugins []pluginScore
}

// pluginScore is one plugin's part in the totals.
type pluginScore struct {
	normalizes bool
	largest    largest         // of the nodes that fit
	used       int64           // the largest by which all totals are normalized
	weighted   map[int64]int64 // by raw score, with that largest
}

func newPluginScores(scores framework.LocalScores) pluginScores {
	s := pluginScores{plugins: make([]pluginScore, scores.Len())}
	for i := range s.plugins {
		s.plugins[i] = pluginScore{normalizes: scores.Normalizes(i), weighted: map[int64]int64{}}
	}
	return s
}

func (s pluginScores) add(raw []int64) {
	for i := range s.plugins {
		if s.plugins[i].normalizes {
			s.plugins[i].largest.add(raw[i])
		}
	}
}

func (s pluginScores) remove(raw []int64) {
	for i := range s.plugins {
		if s.plugins[i].normalizes {
			s.plugins[i].largest.remove(raw[i])
		}
	}
}

// moved reports whether a largest score is another now, and takes it as the one to normalize by.
func (s pluginScores) moved() bool {
	moved := false
	for i := range s.plugins {
		if plugin := &s.plugins[i]; plugin.normalizes && plugin.largest.value != plugin.used {
			plugin.used = plugin.largest.value
			clear(plugin.weighted)
			moved = true
		}
	}
	return moved
}

// addUp brings the totals in the tree up to date.
func (t *Class) addUp(ctx context.Context, a Attempt) error {
	if t.plugins.moved() {
		t.moved = append(t.moved[:0], t.feasible.numbers...)
	}
	for _, number := range t.moved {
		if !t.fits[number] {
			continue
		}
		total, err := t.total(ctx, a, int(number))
		if err != nil {
			return fmt.Errorf("adding up the scores of node %s: %w", a.Snapshot.Names().ByNumber[number], err)
		}
		t.byTotal.set(int(number), total)
	}
	t.moved = t.moved[:0]
	return nil
}

func (t *Class) total(ctx context.Context, a Attempt, number int) (int64, error) {
	var total int64
	for i, raw := range t.rawOf(number) {
		weighted, err := t.weighted(ctx, a, i, raw)
		if err != nil {
			return 0, err
		}
		total += weighted
	}
	return total, nil
}

func (t *Class) weighted(ctx context.Context, a Attempt, i int, raw int64) (int64, error) {
	plugin := &t.plugins.plugins[i]
	if weighted, known := plugin.weighted[raw]; known {
		return weighted, nil
	}
	weighted, err := t.scores.Weighted(ctx, a.State, a.Pod, i, raw, plugin.used)
	if err != nil {
		return 0, err
	}
	plugin.weighted[raw] = weighted
	return weighted, nil
}
