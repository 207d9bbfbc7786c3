package cycle

import (
	"context"
	"fmt"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
)

// commitGroup assumes all members that have a place, and returns those that are to be bound. The trial has shown that
// they fit; where a plugin thinks otherwise now, and too few are left, all give back their places.
func (c *Cycle) commitGroup(ctx context.Context, g *groupAttempt, outcome *groupOutcome) (going []*podResult) {
	var held []*podResult
	for _, m := range outcome.results {
		if m.node == "" {
			continue
		}
		m.state.JoinGroup(nil)
		if m.failure = c.assumeAndReserve(ctx, m); m.failure == nil {
			held = append(held, m)
		}
	}
	needed := g.minCount() - c.scheduledBefore(g, len(held))
	if len(held) < needed {
		outcome.tooFew(g, needed, len(held))
		for _, m := range held {
			c.giveBack(ctx, m)
		}
		return nil
	}
	going = c.permitGroup(ctx, g, held, needed)
	if len(going) < needed {
		outcome.tooFew(g, needed, len(going)) // The quorum keeps the others from being bound.
	}
	return going
}

// tooFew says that of the places that the group still needs, only some could be had.
func (o *groupOutcome) tooFew(g *groupAttempt, needed, had int) {
	o.status = unschedulable(fwk.NewStatus(fwk.Unschedulable,
		fmt.Sprintf("minCount (%d) cannot be satisfied: %d scheduled, 0 remaining", g.minCount(), g.minCount()-needed+had)))
}

// scheduledBefore is how many pods of the group had a place before this attempt.
func (c *Cycle) scheduledBefore(g *groupAttempt, now int) int {
	state, err := c.Cache.Groups().PodGroupStates().Get(g.GetNamespace(), g.GetName())
	if err != nil {
		return 0 // The group has just been deleted with all its pods.
	}
	return state.ScheduledPodsCount() - now
}

// assumeAndReserve assumes a member on its node in the cache and asks the Reserve plugins.
func (c *Cycle) assumeAndReserve(ctx context.Context, m *podResult) *failure {
	m.assumed = onNode(m.pod(), m.node)
	info, _ := nodeinfo.NewPodInfo(m.assumed) // Terms that cannot be parsed were reported when the pod was queued.
	if err := c.Cache.Assume(info); err != nil {
		m.assumed = nil
		return &failure{status: fwk.AsStatus(err), nominating: noNomination}
	}
	c.Queue.DeleteNominatedPodIfExists(m.assumed)
	if status := m.profile.RunReservePluginsReserve(ctx, m.state, m.assumed, m.node); !status.IsSuccess() {
		c.giveBack(ctx, m)
		return &failure{status: asFitError(m.pod(), m.node, status), nominating: noNomination}
	}
	return nil
}

// giveBack undoes assumeAndReserve.
func (c *Cycle) giveBack(ctx context.Context, m *podResult) {
	c.unreserveAndForget(ctx, m.attempt, m.assumed, m.node)
	m.assumed = nil
}

// permitGroup asks the Permit plugins about the members, and returns those that are to be bound. Where one has to wait or
// is refused, all of a gang wait until enough of them are permitted, or can no longer be.
func (c *Cycle) permitGroup(ctx context.Context, g *groupAttempt, held []*podResult, needed int) (going []*podResult) {
	uncertain := false
	for _, m := range held {
		status := g.profile.RunPermitPlugins(ctx, m.state, m.assumed, m.node)
		if !status.IsSuccess() && !status.IsWait() {
			c.giveBack(ctx, m)
			m.failure = &failure{status: asFitError(m.pod(), m.node, status), nominating: noNomination}
		} else {
			going = append(going, m)
		}
		uncertain = uncertain || !status.IsSuccess()
	}
	if !uncertain || g.object.Spec.SchedulingPolicy.Gang == nil {
		return going
	}
	together := newQuorum(needed, len(held), func(reason string) {
		for _, m := range going {
			if waiting := g.profile.GetWaitingPod(m.assumed.UID); waiting != nil {
				waiting.Reject("", reason)
			}
		}
	})
	for _, m := range going {
		m.quorum = together
	}
	for range len(held) - len(going) {
		together.refused()
	}
	return going
}
