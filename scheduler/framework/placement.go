package framework

import (
	"context"
	"fmt"

	fwk "k8s.io/kube-scheduler/framework"
)

// HasPlacementGeneratePlugins reports whether pod groups are tried on parts of the cluster.
func (f *Framework) HasPlacementGeneratePlugins() bool { return len(f.placementGenerate) > 0 }

// RunPlacementGeneratePlugins returns the placements to be tried for a pod group: sets of nodes on one of which it is to
// be scheduled as a whole. Without a plugin there is one, of all the nodes.
func (f *Framework) RunPlacementGeneratePlugins(ctx context.Context, state fwk.PodGroupCycleState, group fwk.PodGroupInfo,
	nodes []fwk.NodeInfo,
) (placements []*fwk.Placement, status *fwk.Status) {
	whole := &fwk.Placement{Nodes: nodes}
	if len(f.placementGenerate) == 0 {
		return []*fwk.Placement{whole}, nil
	}
	defer f.timed(PlacementGenerate, &status)()
	plugin := f.placementGenerate[0]
	var result *fwk.GeneratePlacementsResult
	status = call(ctx, state, PlacementGenerate, plugin, func() (s *fwk.Status) {
		result, s = plugin.GeneratePlacements(ctx, state, group, whole)
		return s
	})
	if !status.IsSuccess() {
		return nil, status.WithPlugin(plugin.Name())
	}
	if result == nil || len(result.Placements) == 0 {
		return nil, fwk.NewStatus(fwk.Unschedulable, "no feasible placements found").WithPlugin(plugin.Name())
	}
	return result.Placements, nil
}

// RunPlacementScorePlugins scores each placement on which a pod group can be scheduled, lets each plugin normalize its
// scores to 0..100, and weights and adds them. The states and the result are in the order of the placements.
func (f *Framework) RunPlacementScorePlugins(ctx context.Context, state fwk.PodGroupCycleState, group fwk.PodGroupInfo,
	placements []*fwk.PodGroupAssignments, states []fwk.PlacementCycleState,
) (result []fwk.PlacementPluginScores, status *fwk.Status) {
	defer f.timed(PlacementScore, &status)()
	lists := make([][]fwk.PlacementScore, len(f.placementScore))
	for i := range lists {
		lists[i] = make([]fwk.PlacementScore, len(placements))
	}
	if err := f.scorePlacements(ctx, group, placements, states, lists); err != nil {
		return nil, fwk.AsStatus(fmt.Errorf("running PlacementScore plugins: %w", err))
	}
	if err := f.normalizePlacements(ctx, state, group, lists); err != nil {
		return nil, fwk.AsStatus(fmt.Errorf("running NormalizePlacementScore on PlacementScore plugins: %w", err))
	}
	result = make([]fwk.PlacementPluginScores, len(placements))
	for i := range placements {
		result[i].Placement = placements[i].Placement
		for p, plugin := range f.placementScore {
			score := lists[p][i].Score
			if score > fwk.MaxScore || score < fwk.MinScore {
				return nil, fwk.AsStatus(fmt.Errorf("applying score defaultWeights on PlacementScore plugins: %w",
					fmt.Errorf("plugin %q returns an invalid score %v, it should in the range of [%v, %v] after normalizing",
						plugin.Name(), score, fwk.MinScore, fwk.MaxScore)))
			}
			score *= f.placementWeights[plugin.Name()]
			result[i].Scores = append(result[i].Scores, fwk.PluginScore{Name: plugin.Name(), Score: score})
			result[i].TotalScore += score
		}
	}
	return result, nil
}

func (f *Framework) scorePlacements(ctx context.Context, group fwk.PodGroupInfo,
	placements []*fwk.PodGroupAssignments, states []fwk.PlacementCycleState, lists [][]fwk.PlacementScore,
) error {
	failure := newFirstError(ctx)
	defer failure.done()
	f.parallel.Until(failure.ctx, len(placements), func(i int) {
		for p, plugin := range f.placementScore {
			lists[p][i].Placement = placements[i].Placement
			status := call(failure.ctx, states[i], PlacementScore, plugin, func() (s *fwk.Status) {
				lists[p][i].Score, s = plugin.ScorePlacement(failure.ctx, states[i], group, placements[i])
				return s
			})
			if !status.IsSuccess() {
				failure.set(fmt.Errorf("plugin %q failed with: %w", plugin.Name(), status.AsError()))
				return
			}
		}
	}, PlacementScore)
	return failure.get()
}

func (f *Framework) normalizePlacements(ctx context.Context, state fwk.PodGroupCycleState, group fwk.PodGroupInfo,
	lists [][]fwk.PlacementScore,
) error {
	for p, plugin := range f.placementScore {
		extensions := plugin.PlacementScoreExtensions()
		if extensions == nil {
			continue
		}
		status := call(ctx, state, PlacementNormalize, plugin, func() *fwk.Status {
			return extensions.NormalizePlacementScore(ctx, state, group, lists[p])
		})
		if !status.IsSuccess() {
			return fmt.Errorf("plugin %q failed with: %w", plugin.Name(), status.AsError())
		}
	}
	return nil
}
