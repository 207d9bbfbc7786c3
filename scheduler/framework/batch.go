package framework

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// BatchFilterPlugin is a Filter plugin that is not local, and yet says quickly of all nodes what it thinks of them: as
// those do whose answer follows from few numbers a topology domain. Where it is known what the local plugins say, asking it
// once replaces a search.
type BatchFilterPlugin interface {
	fwk.FilterPlugin
	// FilterAll filters all nodes of the snapshot, in its order. A node that Filter would refuse gets in refused the place
	// of the status among those returned, counted from 1; the others are left alone. The statuses are the caller's.
	FilterAll(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, nodes []fwk.NodeInfo, refused []uint8) ([]*fwk.Status, error)
}

// BatchScorePlugin is the same for a Score plugin.
type BatchScorePlugin interface {
	fwk.ScorePlugin
	// ScoreAll sets the score of each of some nodes, which are named by their place among all nodes of the snapshot, to what
	// Score would return.
	ScoreAll(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, nodes []fwk.NodeInfo, numbers []int32, scores fwk.NodeScoreList) error
}

// CanBatchFilter reports whether all plugins that filter nodes for the pod and are not local can do so in a batch.
func (f *Framework) CanBatchFilter(state fwk.CycleState) bool {
	for _, step := range f.filtersFor(state).others {
		if _, can := step.plugin.(BatchFilterPlugin); !can {
			return false
		}
	}
	return true
}

// CanBatchScore is the same for the plugins that score. It is known once PreScore has run.
func (f *Framework) CanBatchScore(state fwk.CycleState) bool {
	skipped := state.GetSkipScorePlugins()
	for i := range f.scores {
		if step := &f.scores[i]; !step.local && !skipped.Has(step.name) {
			if _, can := step.plugin.(BatchScorePlugin); !can {
				return false
			}
		}
	}
	return true
}

// Refusals are what plugins that are not local said of all nodes in a batch. The zero value is that none said anything; it
// can be used again.
type Refusals struct {
	by      []uint8 // by node, the place in kinds counted from 1
	kinds   []Refusal
	scratch []uint8
}

// Refusal is a status, and the position of the plugin among all filters.
type Refusal struct {
	Status   *fwk.Status
	Position int
}

// Of returns the number of a node's refusal, counted from 1, or 0.
func (r *Refusals) Of(node int) uint8 { return r.by[node] }

// Kinds returns the refusals that there are.
func (r *Refusals) Kinds() []Refusal { return r.kinds }

// RunBatchFilterPlugins asks the plugins that are not local about all nodes of the snapshot. Each of them must be able to
// answer.
func (f *Framework) RunBatchFilterPlugins(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, nodes []fwk.NodeInfo, r *Refusals) error {
	r.by, r.scratch, r.kinds = zeroed(r.by, len(nodes)), zeroed(r.scratch, len(nodes)), r.kinds[:0]
	for i, step := range f.filtersFor(state).others {
		into := r.by
		if i > 0 {
			into = r.scratch
			clear(into)
		}
		var statuses []*fwk.Status
		status := call(ctx, state, Filter, step.plugin, func() *fwk.Status {
			var err error
			statuses, err = step.plugin.(BatchFilterPlugin).FilterAll(ctx, state, pod, nodes, into)
			return fwk.AsStatus(err)
		})
		if !status.IsSuccess() {
			return fmt.Errorf("running %q filter plugin: %w", step.name, status.AsError())
		}
		before := uint8(len(r.kinds))
		for _, status := range statuses {
			r.kinds = append(r.kinds, Refusal{status.WithPlugin(step.name), step.position})
		}
		if i == 0 {
			continue
		}
		for node, kind := range into {
			if kind != 0 && r.by[node] == 0 { // The first that refuses has the word.
				r.by[node] = before + kind
			}
		}
	}
	return nil
}

// OtherScores are what the plugins that are not local give to some nodes. The zero value can be filled, and used again.
type OtherScores struct {
	steps []scoreStep
	raw   [][]int64 // by plugin and node
	lists []fwk.NodeScoreList
}

// RunBatchScorePlugins asks the plugins that are not local for the scores of some nodes, which are named by their number,
// and adds what the scores are worth to the totals. Each of the plugins must be able to answer.
func (f *Framework) RunBatchScorePlugins(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, all []fwk.NodeInfo, names Names,
	numbers []int32, totals []int64, s *OtherScores,
) (err error) {
	var status *fwk.Status
	defer f.timed(Score, &status)()
	s.steps = s.steps[:0]
	for _, step := range f.scorers(state) {
		if step.local {
			continue
		}
		at := len(s.steps)
		s.steps = append(s.steps, step)
		list := s.column(at, names, numbers)
		f.evaluated(Score, step.name, nil)
		status = call(ctx, state, Score, step.plugin, func() *fwk.Status {
			return fwk.AsStatus(step.plugin.(BatchScorePlugin).ScoreAll(ctx, state, pod, all, numbers, list))
		})
		if !status.IsSuccess() {
			return fmt.Errorf("running Score plugins: plugin %q failed with: %w", step.name, status.AsError())
		}
		for i := range list {
			s.raw[at][i] = list[i].Score
		}
		if status = step.normalize(ctx, state, pod, list); !status.IsSuccess() {
			return fmt.Errorf("running Normalize on Score plugins: plugin %q failed with: %w", step.name, status.AsError())
		}
		for i := range list {
			if err := step.check(list[i].Score); err != nil {
				return fmt.Errorf("applying score defaultWeights on Score plugins: %w", err)
			}
			list[i].Score *= step.weight
			totals[i] += list[i].Score
		}
	}
	return nil
}

// column makes room for the scores of one plugin.
func (s *OtherScores) column(at int, names Names, numbers []int32) fwk.NodeScoreList {
	if at == len(s.lists) {
		s.lists, s.raw = append(s.lists, nil), append(s.raw, nil)
	}
	if cap(s.lists[at]) < len(numbers) {
		s.lists[at], s.raw[at] = make(fwk.NodeScoreList, len(names.ByNumber)), make([]int64, len(names.ByNumber))
	}
	s.lists[at], s.raw[at] = s.lists[at][:len(numbers)], s.raw[at][:len(numbers)]
	for i, number := range numbers {
		s.lists[at][i].Name = names.ByNumber[number]
	}
	return s.lists[at]
}

// Len returns how many plugins scored.
func (s *OtherScores) Len() int { return len(s.steps) }

// Name returns the name of one.
func (s *OtherScores) Name(plugin int) string { return s.steps[plugin].name }

// Of returns what one plugin gave to a node, by the node's place among those that were scored: before normalizing, and
// weighted.
func (s *OtherScores) Of(plugin, node int) (raw, weighted int64) {
	return s.raw[plugin][node], s.lists[plugin][node].Score
}

func (s *scoreStep) normalize(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, list fwk.NodeScoreList) *fwk.Status {
	if s.extensions == nil {
		return nil
	}
	return call(ctx, state, Normalize, s.plugin, func() *fwk.Status { return s.extensions.NormalizeScore(ctx, state, pod, list) })
}

// zeroed returns a slice of zeros, in the memory of another where that is large enough.
func zeroed[T any](slice []T, length int) []T {
	if cap(slice) < length {
		return make([]T, length)
	}
	slice = slice[:length]
	clear(slice)
	return slice
}
