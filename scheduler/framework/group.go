package framework

import (
	"context"
	"fmt"

	fwk "k8s.io/kube-scheduler/framework"
)

// PlacementFeasiblePlugin is a plugin at Permit which tells, while the members of a pod group are decided on one after
// the other, whether the group can still be scheduled. kube-scheduler has the same point, but its published framework
// does not, so that only plugins of this module implement it.
type PlacementFeasiblePlugin interface {
	fwk.PermitPlugin
	// PlacementFeasible is asked before the first member and after each. Success means that the group can be scheduled
	// with what has been found, Wait that it may be once more members have a place, and Unschedulable that it cannot,
	// whatever becomes of the others.
	PlacementFeasible(ctx context.Context, state fwk.PlacementCycleState, group fwk.PodGroupInfo, progress PlacementProgress) *fwk.Status
}

// PlacementProgress is how far the decision on a pod group has come.
type PlacementProgress struct {
	// Remaining is the number of members that are still to be decided on.
	Remaining int
	// Scheduled is the number of members that have a place, including those from before this attempt.
	Scheduled int
}

// HasPodGroupPostFilterPlugins reports whether anything is tried for a pod group that cannot be scheduled.
func (f *Framework) HasPodGroupPostFilterPlugins() bool { return len(f.podGroupPostFilter) > 0 }

// RunPlacementFeasiblePlugins asks whether a pod group can still be scheduled. One Unschedulable is the answer; short of
// that, one Wait is. Anything else but Success is an error.
func (f *Framework) RunPlacementFeasiblePlugins(ctx context.Context, state fwk.PlacementCycleState, group fwk.PodGroupInfo,
	progress PlacementProgress,
) (answer *fwk.Status) {
	for _, permit := range f.permit {
		plugin, ok := permit.(PlacementFeasiblePlugin)
		if !ok {
			continue
		}
		status := call(ctx, state, PlacementFeasible, plugin, func() *fwk.Status {
			return plugin.PlacementFeasible(ctx, state, group, progress)
		})
		switch {
		case status.IsSuccess():
		case status.IsWait():
			answer = status.WithPlugin(plugin.Name())
		case status.Code() == fwk.Unschedulable:
			return status.WithPlugin(plugin.Name())
		case status.IsError():
			return fwk.AsStatus(fmt.Errorf("running PlacementFeasible plugin: %w", status.AsError())).WithPlugin(plugin.Name())
		default:
			err := fmt.Errorf("unexpected status from PlacementFeasible plugin: %v", status.Code())
			return fwk.AsStatus(err).WithPlugin(plugin.Name())
		}
	}
	return answer
}

// RunPodGroupPostFilterPlugins runs the plugins that may still help a pod group which cannot be scheduled, up to the
// first that says it did (Success), that nobody can (UnschedulableAndUnresolvable) or that broke (anything but
// Unschedulable). schedule decides on the group again, on the snapshot as it is then.
func (f *Framework) RunPodGroupPostFilterPlugins(ctx context.Context, state fwk.PodGroupCycleState, group fwk.PodGroupInfo,
	schedule fwk.PodGroupSchedulingFunc,
) (result *fwk.PodGroupPostFilterResult, status *fwk.Status) {
	defer f.timed(PodGroupPostFilter, &status)()
	var reasons []string
	var rejector string
	for _, plugin := range f.podGroupPostFilter {
		name := plugin.Name()
		var own *fwk.PodGroupPostFilterResult
		status := call(ctx, state, PodGroupPostFilter, plugin, func() (s *fwk.Status) {
			own, s = plugin.PodGroupPostFilter(ctx, state, group, schedule)
			return s
		})
		switch status.Code() {
		case fwk.Success:
			return own, status
		case fwk.UnschedulableAndUnresolvable:
			return own, status.WithPlugin(name)
		case fwk.Unschedulable:
			reasons = append(reasons, status.Reasons()...)
			if rejector == "" {
				rejector = name
			}
		default:
			err := fmt.Errorf("error in %q PodGroupPostFilter plugins: %s", name, status.Message())
			return nil, fwk.AsStatus(err).WithPlugin(name)
		}
	}
	return nil, fwk.NewStatus(fwk.Unschedulable, reasons...).WithPlugin(rejector)
}
