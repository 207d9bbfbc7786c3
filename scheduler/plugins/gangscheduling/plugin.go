// Package gangscheduling schedules the pods of a group all or not at all, where the group's policy says gang: no pod is
// tried before there are as many as minCount, none is bound before that many have a place.
//
// Pods without a group, and those of a group with the policy basic, are none of its business; but a pod whose group does
// not exist yet waits for it, since only the group can say.
package gangscheduling

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/podgroups"
)

// Name is the plugin's name in configurations.
const Name = "GangScheduling"

// permitTimeout is how long a pod waits in its place for the others.
const permitTimeout = 5 * time.Minute

// Plugin is the plugin of one profile.
type Plugin struct{ handle fwk.Handle }

var (
	_ fwk.PreEnqueuePlugin              = &Plugin{}
	_ fwk.PermitPlugin                  = &Plugin{}
	_ fwk.EnqueueExtensions             = &Plugin{}
	_ framework.PlacementFeasiblePlugin = &Plugin{}
)

// New returns the plugin. It takes no arguments.
func New(_ context.Context, _ runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
	return &Plugin{handle: handle}, nil
}

// Name returns the plugin's name.
func (p *Plugin) Name() string { return Name }

// PreEnqueue holds a pod back until its group exists and, if that is a gang, as many pods of it as minCount.
func (p *Plugin) PreEnqueue(_ context.Context, pod *corev1.Pod) *fwk.Status {
	name, grouped := podgroups.Of(pod)
	if !grouped {
		return nil
	}
	groups := p.handle.PodGroupManager()
	group, err := groups.PodGroups().Get(name.Namespace, name.Name)
	if errors.Is(err, framework.ErrUnsupported) {
		return nil // Where the API server has no groups, nothing is to be waited for.
	}
	if err != nil {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable,
			fmt.Sprintf("waiting for pods's pod group %q to appear in scheduling queue", name.Name))
	}
	if group.Spec.SchedulingPolicy.Gang == nil {
		return nil
	}
	state, err := groups.PodGroupStates().Get(name.Namespace, name.Name)
	if err != nil {
		return fwk.AsStatus(err)
	}
	if state.AllPodsCount() < minCount(group) {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "waiting for minCount pods from a gang to appear in scheduling queue")
	}
	return nil
}

// Permit makes a pod wait in its place until as many pods of its gang as minCount have one, and then lets all of them go.
// A pod that has waited for 5 minutes gives its place back.
func (p *Plugin) Permit(ctx context.Context, _ fwk.CycleState, pod *corev1.Pod, _ string) (*fwk.Status, time.Duration) {
	name, grouped := podgroups.Of(pod)
	if !grouped {
		return nil, 0
	}
	group, err := p.handle.SnapshotSharedLister().PodGroups().Get(name.Namespace, name.Name)
	if errors.Is(err, framework.ErrUnsupported) {
		return nil, 0
	}
	if err != nil {
		return fwk.AsStatus(fmt.Errorf("failed to get podGroup %s: %w", name, err)), 0
	}
	state, err := p.handle.PodGroupManager().PodGroupStates().Get(name.Namespace, name.Name)
	if err != nil {
		return fwk.AsStatus(err), 0
	}
	if group.Spec.SchedulingPolicy.Gang == nil {
		return nil, 0
	}
	if state.ScheduledPodsCount() < minCount(group) {
		// The others may have been refused for want of this one.
		p.handle.Activate(klog.FromContext(ctx), state.UnscheduledPods())
		return fwk.NewStatus(fwk.Wait, "waiting for minCount pods from a gang to be scheduled"), permitTimeout
	}
	p.allow(state)
	return nil, 0
}

// allow lets the pods go that wait for this plugin.
func (p *Plugin) allow(state fwk.PodGroupState) {
	waiting := false
	p.handle.IterateOverWaitingPods(func(fwk.WaitingPod) { waiting = true })
	if !waiting {
		return
	}
	for uid := range state.AssumedPods() {
		if pod := p.handle.GetWaitingPod(uid); pod != nil {
			pod.Allow(Name)
		}
	}
}

// PlacementFeasible says that a gang can be scheduled once minCount pods have a place, and that it cannot once there are
// too few left. A group with the policy basic needs one.
func (p *Plugin) PlacementFeasible(_ context.Context, _ fwk.PlacementCycleState, group fwk.PodGroupInfo,
	progress framework.PlacementProgress,
) *fwk.Status {
	needed := minCount(group.GetPodGroup())
	if progress.Scheduled+progress.Remaining < needed {
		return fwk.NewStatus(fwk.Unschedulable, fmt.Sprintf("minCount (%d) cannot be satisfied: %d scheduled, %d remaining",
			needed, progress.Scheduled, progress.Remaining))
	}
	if progress.Scheduled < needed {
		return fwk.NewStatus(fwk.Wait, fmt.Sprintf("minCount (%d) is not yet satisfied: %d scheduled, %d remaining",
			needed, progress.Scheduled, progress.Remaining))
	}
	return nil
}

func minCount(group *schedulingv1beta1.PodGroup) int {
	if gang := group.Spec.SchedulingPolicy.Gang; gang != nil {
		return int(gang.MinCount)
	}
	return 1
}
