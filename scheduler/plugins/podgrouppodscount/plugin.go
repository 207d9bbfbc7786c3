// Package podgrouppodscount prefers the placement on which the most pods of a group find a place.
//
// It is not among the default plugins, because it has nothing to choose from unless a plugin generates placements.
package podgrouppodscount

import (
	"context"
	"errors"

	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
)

// Name is the plugin's name in configurations.
const Name = "PodGroupPodsCount"

// Plugin is the plugin of one profile.
type Plugin struct{ handle fwk.Handle }

var (
	_ fwk.PlacementScorePlugin     = &Plugin{}
	_ fwk.PlacementScoreExtensions = &Plugin{}
)

// New returns the plugin. It takes no arguments.
func New(_ context.Context, _ runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
	return &Plugin{handle: handle}, nil
}

// Name returns the plugin's name.
func (p *Plugin) Name() string { return Name }

// ScorePlacement counts the pods that would have a place. Those that have one already are counted as well: so one pod more
// or less means little to a group that is large.
func (p *Plugin) ScorePlacement(_ context.Context, _ fwk.PlacementCycleState, group fwk.PodGroupInfo, placement *fwk.PodGroupAssignments) (
	int64, *fwk.Status,
) {
	state, err := p.handle.SnapshotSharedLister().PodGroupStates().Get(group.GetNamespace(), group.GetName())
	if err != nil {
		return 0, fwk.AsStatus(err)
	}
	return int64(state.ScheduledPodsCount() + len(placement.ProposedAssignments)), nil
}

// PlacementScoreExtensions returns the plugin.
func (p *Plugin) PlacementScoreExtensions() fwk.PlacementScoreExtensions { return p }

// NormalizePlacementScore gives 100 to the placement with the most pods, and the others their share of that.
func (p *Plugin) NormalizePlacementScore(_ context.Context, _ fwk.PodGroupCycleState, _ fwk.PodGroupInfo, scores []fwk.PlacementScore) *fwk.Status {
	var most int64
	for _, score := range scores {
		most = max(most, score.Score)
	}
	if most == 0 {
		return fwk.AsStatus(errors.New("no pods from pod group are assigned to any of the candidate placements"))
	}
	for i := range scores {
		scores[i].Score = fwk.MinScore + scores[i].Score*(fwk.MaxScore-fwk.MinScore)/most
	}
	return nil
}
