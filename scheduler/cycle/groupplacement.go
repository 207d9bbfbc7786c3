package cycle

import (
	"context"
	"fmt"
	"time"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/metrics"
)

// decideOnPlacements tries a group on each of some parts of the cluster, and takes the best of those where it can be
// scheduled; of equal ones, any.
func (c *Cycle) decideOnPlacements(ctx context.Context, g *groupAttempt) *groupOutcome {
	placements, status := g.profile.RunPlacementGeneratePlugins(ctx, g.state, g, c.Snapshot.Nodes())
	if !status.IsSuccess() {
		return &groupOutcome{status: status}
	}
	name := g.profile.ProfileName()
	metrics.GeneratedPlacements.WithLabelValues(name).Add(float64(len(placements)))
	defer func() { c.placement = nil }()
	var first *groupOutcome
	var feasible []*groupOutcome
	var assignments []*fwk.PodGroupAssignments
	var states []fwk.PlacementCycleState
	for _, placement := range placements {
		start := time.Now()
		c.placement = newPlacement(placement)
		outcome := c.decideMembers(ctx, g)
		if outcome.status.IsError() {
			return outcome
		}
		metrics.PlacementEvaluated(outcome.status.IsSuccess(), name, time.Since(start))
		if first == nil {
			first = outcome
		}
		if outcome.status.IsSuccess() {
			feasible = append(feasible, outcome)
			states = append(states, outcome.state)
			assignments = append(assignments, &fwk.PodGroupAssignments{Placement: placement, ProposedAssignments: outcome.proposals()})
		}
	}
	switch len(feasible) {
	case 0:
		because := fwk.NewStatus(fwk.Unschedulable, fmt.Sprintf("0/%d placements are available, first placement status: %v",
			len(placements), first.status.AsError())).WithPlugin(first.status.Plugin())
		first.status = because.WithError(errGroupUnschedulable)
		return first
	case 1:
		return feasible[0]
	}
	scores, status := g.profile.RunPlacementScorePlugins(ctx, g.state, g, assignments, states)
	if !status.IsSuccess() {
		return &groupOutcome{status: status}
	}
	return feasible[c.bestPlacement(scores)]
}

func (c *Cycle) bestPlacement(scores []fwk.PlacementPluginScores) int {
	var best []int
	for i, score := range scores {
		switch {
		case len(best) == 0 || score.TotalScore > scores[best[0]].TotalScore:
			best = append(best[:0], i)
		case score.TotalScore == scores[best[0]].TotalScore:
			best = append(best, i)
		}
	}
	return best[c.random(len(best))]
}
