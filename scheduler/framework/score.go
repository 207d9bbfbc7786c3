package framework

import (
	"context"
	"errors"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
)

// RunPreScorePlugins runs PreScore. Skip switches the plugin's Score off for this pod; any other status but Success is
// an error.
func (f *Framework) RunPreScorePlugins(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, nodes []fwk.NodeInfo) (status *fwk.Status) {
	defer f.timed(PreScore, &status)()
	skipped := sets.New[string]()
	defer func() { state.SetSkipScorePlugins(skipped) }()
	for _, plugin := range f.preScore {
		status := call(ctx, state, PreScore, plugin, func() *fwk.Status { return plugin.PreScore(ctx, state, pod, nodes) })
		f.evaluated(PreScore, plugin.Name(), status)
		if status.IsSkip() {
			skipped.Insert(plugin.Name())
			continue
		}
		if !status.IsSuccess() {
			return fwk.AsStatus(fmt.Errorf("running PreScore plugin %q: %w", plugin.Name(), status.AsError()))
		}
	}
	return nil
}

// RunScorePlugins scores every node with every plugin, lets each plugin normalize its scores to 0..100, and weights and
// adds them. The result is in the order of nodes.
func (f *Framework) RunScorePlugins(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, nodes []fwk.NodeInfo) (
	result []fwk.NodePluginScores, status *fwk.Status,
) {
	defer f.timed(Score, &status)()
	plugins := f.scoring(state)
	lists := make([]fwk.NodeScoreList, len(plugins))
	for i := range lists {
		lists[i] = make(fwk.NodeScoreList, len(nodes))
		f.evaluated(Score, plugins[i].Name(), nil)
	}
	if err := f.scoreNodes(ctx, state, pod, nodes, plugins, lists); err != nil {
		return nil, fwk.AsStatus(fmt.Errorf("running Score plugins: %w", err))
	}
	result = make([]fwk.NodePluginScores, len(nodes))
	for i, node := range nodes {
		result[i] = fwk.NodePluginScores{Name: node.Node().Name, RawScores: column(plugins, lists, i)}
	}
	if err := f.normalize(ctx, state, pod, plugins, lists); err != nil {
		return nil, fwk.AsStatus(fmt.Errorf("running Normalize on Score plugins: %w", err))
	}
	for i := range result {
		if err := f.weigh(&result[i], plugins, lists, i); err != nil {
			return nil, fwk.AsStatus(fmt.Errorf("applying score defaultWeights on Score plugins: %w", err))
		}
	}
	return result, nil
}

func (f *Framework) scoring(state fwk.CycleState) []fwk.ScorePlugin {
	skipped := state.GetSkipScorePlugins()
	plugins := make([]fwk.ScorePlugin, 0, len(f.score))
	for _, plugin := range f.score {
		if !skipped.Has(plugin.Name()) {
			plugins = append(plugins, plugin)
		}
	}
	return plugins
}

func (f *Framework) scoreNodes(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, nodes []fwk.NodeInfo,
	plugins []fwk.ScorePlugin, lists []fwk.NodeScoreList,
) error {
	failure := newFirstError(ctx)
	defer failure.done()
	f.parallel.Until(failure.ctx, len(nodes), func(n int) {
		for p, plugin := range plugins {
			status := call(failure.ctx, state, Score, plugin, func() (s *fwk.Status) {
				lists[p][n].Name = nodes[n].Node().Name
				lists[p][n].Score, s = plugin.Score(failure.ctx, state, pod, nodes[n])
				return s
			})
			if !status.IsSuccess() {
				failure.set(fmt.Errorf("plugin %q failed with: %w", plugin.Name(), status.AsError()))
				return
			}
		}
	}, Score)
	return failure.get()
}

func (f *Framework) normalize(ctx context.Context, state fwk.CycleState, pod *corev1.Pod,
	plugins []fwk.ScorePlugin, lists []fwk.NodeScoreList,
) error {
	for i, plugin := range plugins {
		extensions := plugin.ScoreExtensions()
		if extensions == nil {
			continue
		}
		status := call(ctx, state, Normalize, plugin, func() *fwk.Status {
			return extensions.NormalizeScore(ctx, state, pod, lists[i])
		})
		if !status.IsSuccess() {
			return fmt.Errorf("plugin %q failed with: %w", plugin.Name(), status.AsError())
		}
	}
	return nil
}

func (f *Framework) weigh(node *fwk.NodePluginScores, plugins []fwk.ScorePlugin, lists []fwk.NodeScoreList, index int) error {
	node.Scores = column(plugins, lists, index)
	for i := range node.Scores {
		score := &node.Scores[i]
		if score.Score > fwk.MaxScore || score.Score < fwk.MinScore {
			return fmt.Errorf("plugin %q returns an invalid score %v, it should in the range of [%v, %v] after normalizing",
				score.Name, score.Score, fwk.MinScore, fwk.MaxScore)
		}
		score.Score *= f.weights[score.Name]
		node.TotalScore += score.Score
	}
	return nil
}

// column is what all plugins gave to one node.
func column(plugins []fwk.ScorePlugin, lists []fwk.NodeScoreList, node int) []fwk.PluginScore {
	scores := make([]fwk.PluginScore, len(plugins))
	for i, plugin := range plugins {
		scores[i] = fwk.PluginScore{Name: plugin.Name(), Score: lists[i][node].Score}
	}
	return scores
}

// NormalizeByMax scales scores so that the largest becomes 100, or with reverse 0. The scores must not be negative.
func NormalizeByMax(scores fwk.NodeScoreList, reverse bool) {
	var largest int64
	for _, score := range scores {
		largest = max(largest, score.Score)
	}
	for i := range scores {
		if largest > 0 {
			scores[i].Score = fwk.MaxScore * scores[i].Score / largest
		}
		if reverse {
			scores[i].Score = fwk.MaxScore - scores[i].Score
		}
	}
}

// firstError collects the first error of parallel work, and stops the rest.
type firstError struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	once   sync.Once
	err    error
}

func newFirstError(ctx context.Context) *firstError {
	ctx, cancel := context.WithCancelCause(ctx)
	return &firstError{ctx: ctx, cancel: cancel}
}

func (e *firstError) set(err error) {
	e.once.Do(func() {
		e.err = err
		e.cancel(errors.New("another part of the work failed"))
	})
}

// get may be called once the work has ended.
func (e *firstError) get() error { return e.err }

func (e *firstError) done() { e.cancel(errors.New("the work has ended")) }
