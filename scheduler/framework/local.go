package framework

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// RunLocalFilters asks only the local plugins, and returns what RunFilterPlugins would if there were no others, with the
// position of the plugin that refuses among all filters.
func (f *Framework) RunLocalFilters(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, node fwk.NodeInfo) (status *fwk.Status, position int) {
	return f.runFilters(ctx, state, pod, node, f.filtersFor(state).local)
}

// RunOtherFilters asks the plugins that are not local and that come before the position among all filters.
func (f *Framework) RunOtherFilters(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, node fwk.NodeInfo, before int) *fwk.Status {
	steps := f.filtersFor(state).others
	for len(steps) > 0 && steps[len(steps)-1].position >= before {
		steps = steps[:len(steps)-1]
	}
	if len(steps) == 0 {
		return nil
	}
	status, _ := f.runFilters(ctx, state, pod, node, steps)
	return status
}

// HasOtherFilters reports whether plugins that are not local have a say in where the pod fits.
func (f *Framework) HasOtherFilters(state fwk.CycleState) bool {
	return len(f.filtersFor(state).others) > 0
}

// HasOtherScorers reports whether plugins that are not local have a say in where the pod fits best. It is known once
// PreScore has run.
func (f *Framework) HasOtherScorers(state fwk.CycleState) bool {
	skipped := state.GetSkipScorePlugins()
	for i := range f.scores {
		if !f.scores[i].local && !skipped.Has(f.scores[i].name) {
			return true
		}
	}
	return false
}

// LocalScores are the local plugins that score the nodes for all pods of a class.
type LocalScores struct {
	framework *Framework
	steps     []scoreStep
}

// LocalScores returns those that do not step aside.
func (f *Framework) LocalScores(shared *ClassState) LocalScores {
	scores := LocalScores{framework: f}
	for _, step := range f.scores {
		if step.local && !shared.skipScore.Has(step.name) {
			scores.steps = append(scores.steps, step)
		}
	}
	return scores
}

// Len returns their number.
func (s LocalScores) Len() int { return len(s.steps) }

// Name returns the name of one.
func (s LocalScores) Name(i int) string { return s.steps[i].name }

// Normalizes reports whether what one gives to a node depends on the largest score of all nodes.
func (s LocalScores) Normalizes(i int) bool { return s.steps[i].extensions != nil }

// Score sets raw to the scores of a node.
func (s LocalScores) Score(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, node fwk.NodeInfo, raw []int64) error {
	status, name := s.run(ctx, state, pod, node, raw)
	if !status.IsSuccess() {
		return fmt.Errorf("running Score plugins: plugin %q failed with: %w", name, status.AsError())
	}
	return nil
}

func (s LocalScores) run(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, node fwk.NodeInfo, raw []int64) (status *fwk.Status, running string) {
	defer recovered(ctx, Score, &running, &status)
	for i := range s.steps {
		running = s.steps[i].name
		if raw[i], status = s.steps[i].plugin.Score(ctx, state, pod, node); !status.IsSuccess() {
			return status, running
		}
	}
	return nil, running
}

// Weighted normalizes one plugin's score by the largest of all nodes, and weights it.
func (s LocalScores) Weighted(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, i int, raw, largest int64) (int64, error) {
	step := &s.steps[i]
	if step.extensions != nil {
		list := fwk.NodeScoreList{{Score: raw}, {Score: largest}}
		if status := step.normalize(ctx, state, pod, list); !status.IsSuccess() {
			return 0, fmt.Errorf("running Normalize on Score plugins: plugin %q failed with: %w", step.name, status.AsError())
		}
		raw = list[0].Score
	}
	if err := step.check(raw); err != nil {
		return 0, fmt.Errorf("applying score defaultWeights on Score plugins: %w", err)
	}
	return raw * step.weight, nil
}

// Evaluated counts that the plugins took part in an attempt.
func (s LocalScores) Evaluated() {
	for i := range s.steps {
		s.framework.evaluated(Score, s.steps[i].name, nil)
	}
}
