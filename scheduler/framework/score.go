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
	own, _ := state.(*CycleState)
	for _, plugin := range f.preScore {
		name := plugin.Name()
		if own.knows(plugin) {
			if own.class.skipScore.Has(name) {
				skipped.Insert(name)
			} else {
				f.evaluated(PreScore, name, nil)
			}
			continue
		}
		status := call(ctx, state, PreScore, plugin, func() *fwk.Status { return plugin.PreScore(ctx, state, pod, nodes) })
		f.evaluated(PreScore, name, status)
		if status.IsSkip() {
			skipped.Insert(name)
			continue
		}
		if !status.IsSuccess() {
			return fwk.AsStatus(fmt.Errorf("running PreScore plugin %q: %w", name, status.AsError()))
		}
	}
	return nil
}

// RunScorePlugins scores every node with every plugin, lets each plugin normalize its scores to 0..100, and weights and
// adds them. The result is in the order of nodes.
func (f *Framework) RunScorePlugins(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, nodes []fwk.NodeInfo) (
	[]fwk.NodePluginScores, *fwk.Status,
) {
	return f.RunScorePluginsKnowing(ctx, state, pod, nodes, nil)
}

// RunScorePluginsKnowing is RunScorePlugins where the scores of the local plugins are known before normalizing: known
// returns them for a node by its index, in the order of LocalScores, or nil where they are not. A nil known means that
// nothing is.
func (f *Framework) RunScorePluginsKnowing(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, nodes []fwk.NodeInfo,
	known func(node int) []int64,
) (result []fwk.NodePluginScores, status *fwk.Status) {
	defer f.timed(Score, &status)()
	scoring := &scoring{Framework: f, state: state, pod: pod, nodes: nodes, known: known, steps: f.scorers(state)}
	scoring.lists = make([]fwk.NodeScoreList, len(scoring.steps))
	cells := make(fwk.NodeScoreList, len(nodes)*len(scoring.steps))
	for i, step := range scoring.steps {
		scoring.lists[i] = cells[i*len(nodes) : (i+1)*len(nodes) : (i+1)*len(nodes)]
		f.evaluated(Score, step.name, nil)
	}
	if err := scoring.score(ctx); err != nil {
		return nil, fwk.AsStatus(fmt.Errorf("running Score plugins: %w", err))
	}
	raw := scoring.columns()
	if err := scoring.normalize(ctx); err != nil {
		return nil, fwk.AsStatus(fmt.Errorf("running Normalize on Score plugins: %w", err))
	}
	weighted := scoring.columns()
	result = make([]fwk.NodePluginScores, len(nodes))
	for i := range result {
		result[i] = fwk.NodePluginScores{Name: nodes[i].Node().Name, RawScores: raw(i), Scores: weighted(i)}
		if err := scoring.weigh(&result[i]); err != nil {
			return nil, fwk.AsStatus(fmt.Errorf("applying score defaultWeights on Score plugins: %w", err))
		}
	}
	return result, nil
}

// scoring is one run of the Score point.
type scoring struct {
	*Framework
	state fwk.CycleState
	pod   *corev1.Pod
	nodes []fwk.NodeInfo
	known func(node int) []int64
	steps []scoreStep
	lists []fwk.NodeScoreList // by step and node
}

func (s *scoring) score(ctx context.Context) error {
	failure := newFirstError(ctx)
	defer failure.done()
	s.Compute(failure.ctx, len(s.nodes), Score, func(node int) bool {
		name := s.nodes[node].Node().Name
		for i := range s.lists {
			s.lists[i][node].Name = name
		}
		if err := s.scoreNode(failure.ctx, node); err != nil {
			failure.set(err)
			return false
		}
		return true
	})
	return failure.get()
}

// scoreNode asks the plugins for a node's scores, guarded all at once.
func (s *scoring) scoreNode(ctx context.Context, node int) error {
	var known []int64
	if s.known != nil {
		known = s.known(node)
	}
	status, name := s.scorePlugins(ctx, node, known)
	if !status.IsSuccess() {
		return fmt.Errorf("plugin %q failed with: %w", name, status.AsError())
	}
	return nil
}

func (s *scoring) scorePlugins(ctx context.Context, node int, known []int64) (status *fwk.Status, running string) {
	defer recovered(ctx, Score, &running, &status)
	measured, spared := s.state.ShouldRecordPluginMetrics(), known != nil
	for i := range s.steps {
		step, score := &s.steps[i], &s.lists[i][node].Score
		if spared && step.local {
			*score, known = known[0], known[1:]
			continue
		}
		running = step.name
		if measured {
			status = call(ctx, s.state, Score, step.plugin, func() (status *fwk.Status) {
				*score, status = step.plugin.Score(ctx, s.state, s.pod, s.nodes[node])
				return status
			})
		} else {
			*score, status = step.plugin.Score(ctx, s.state, s.pod, s.nodes[node])
		}
		if !status.IsSuccess() {
			return status, running
		}
	}
	return nil, running
}

func (s *scoring) normalize(ctx context.Context) error {
	for i, step := range s.steps {
		if status := step.normalize(ctx, s.state, s.pod, s.lists[i]); !status.IsSuccess() {
			return fmt.Errorf("plugin %q failed with: %w", step.name, status.AsError())
		}
	}
	return nil
}

// columns copies the scores as they are now, and returns those of each node.
func (s *scoring) columns() func(node int) []fwk.PluginScore {
	steps := len(s.steps)
	scores := make([]fwk.PluginScore, len(s.nodes)*steps)
	for i, step := range s.steps {
		for node := range s.nodes {
			scores[node*steps+i] = fwk.PluginScore{Name: step.name, Score: s.lists[i][node].Score}
		}
	}
	return func(node int) []fwk.PluginScore { return scores[node*steps : (node+1)*steps : (node+1)*steps] }
}

func (s *scoring) weigh(node *fwk.NodePluginScores) error {
	for i := range node.Scores {
		score := &node.Scores[i]
		if err := s.steps[i].check(score.Score); err != nil {
			return err
		}
		score.Score *= s.steps[i].weight
		node.TotalScore += score.Score
	}
	return nil
}

// check refuses a score that normalizing should have brought into range.
func (s *scoreStep) check(score int64) error {
	if score > fwk.MaxScore || score < fwk.MinScore {
		return fmt.Errorf("plugin %q returns an invalid score %v, it should in the range of [%v, %v] after normalizing",
			s.name, score, fwk.MinScore, fwk.MaxScore)
	}
	return nil
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
