package cycle

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
	"github.com/orrery-dev/orrery/scheduler/queue"
)

// errGroupUnschedulable is kube-scheduler's text.
var errGroupUnschedulable = errors.New("pod group is unschedulable")

// groupOutcome is what was decided on a group.
type groupOutcome struct {
	// status is Success where the group can be bound, Unschedulable where nothing of it can, or an Error. Where a plugin
	// made it so, it has the plugin's name.
	status *fwk.Status
	// results are those of the pods that were decided on, in their order. Where the status is Success these are all.
	results []*podResult
	// preempting says that the group waits for others to go.
	preempting bool
	state      *framework.PlacementState
}

// podResult is what was decided on one pod. It is also what plugins are told of it.
type podResult struct {
	*attempt
	node    string   // where it goes, or ""
	failure *failure // why it goes nowhere
	// nominating is what preemption for the group says of it.
	nominating *fwk.NominatingInfo
	assumed    *corev1.Pod // with its node, while it is held there
}

var _ fwk.ProposedAssignment = &podResult{}

// GetPod returns the pod.
func (m *podResult) GetPod() *corev1.Pod { return m.pod() }

// GetPodInfo returns the pod.
func (m *podResult) GetPodInfo() fwk.PodInfo { return m.entry.PodInfo }

// GetNodeName returns the node that the pod is to go to.
func (m *podResult) GetNodeName() string { return m.node }

// GetCycleState returns what plugins remembered when they decided on the pod.
func (m *podResult) GetCycleState() fwk.CycleState { return m.state }

// decideGroup finds places for a group, and leaves no trace of it in the snapshot.
func (c *Cycle) decideGroup(ctx context.Context, g *groupAttempt) *groupOutcome {
	var outcome *groupOutcome
	if g.profile.HasPlacementGeneratePlugins() {
		outcome = c.decideOnPlacements(ctx, g)
	} else {
		outcome = c.decideMembers(ctx, g)
	}
	if outcome.status.IsSuccess() && !outcome.anyPlaced() {
		outcome.status = unschedulable(nil)
	}
	return outcome
}

func (o *groupOutcome) anyPlaced() bool { return len(o.proposals()) > 0 }

// proposals are the members that have a place.
func (o *groupOutcome) proposals() []fwk.ProposedAssignment {
	var placed []fwk.ProposedAssignment
	for _, result := range o.results {
		if result.node != "" {
			placed = append(placed, result)
		}
	}
	return placed
}

// unschedulable returns the status of a group that cannot be scheduled, with the reasons and the plugin of another.
func unschedulable(because *fwk.Status) *fwk.Status {
	status := fwk.NewStatus(fwk.Unschedulable)
	if because != nil {
		status = fwk.NewStatus(fwk.Unschedulable, because.Reasons()...).WithPlugin(because.Plugin())
	}
	return status.WithError(errGroupUnschedulable)
}

// decideMembers finds a place for one member after the other, each with those before it in their places, for as long as
// the group can still be scheduled.
func (c *Cycle) decideMembers(ctx context.Context, g *groupAttempt) *groupOutcome {
	outcome := &groupOutcome{state: framework.NewPlacementState(g.state)}
	trial := &trial{cycle: c, group: g}
	defer trial.end(ctx)
	scheduled := 0
	if state, err := c.Snapshot.PodGroupStates().Get(g.GetNamespace(), g.GetName()); err == nil {
		scheduled = state.ScheduledPodsCount()
	}
	progress := framework.PlacementProgress{Remaining: len(g.members), Scheduled: scheduled}
	feasible := func() *fwk.Status {
		status := g.profile.RunPlacementFeasiblePlugins(ctx, outcome.state, g, progress)
		if status.IsError() {
			return fwk.AsStatus(fmt.Errorf("failed to evaluate placement feasibility: %w", status.AsError()))
		}
		return status
	}
	if outcome.status = feasible(); outcome.status.IsError() {
		return outcome
	}
	if outcome.status.Code() == fwk.Unschedulable {
		outcome.status = unschedulable(outcome.status)
		return outcome
	}
	for _, entry := range g.members {
		decided := trial.place(ctx, entry, outcome.state)
		outcome.results = append(outcome.results, decided)
		if failure := decided.failure; failure != nil && !failure.status.IsRejected() {
			outcome.status = fwk.AsStatus(fmt.Errorf("failed to schedule other pod from a pod group: %w", failure.status.AsError()))
			return outcome
		}
		progress.Remaining--
		if decided.node != "" {
			progress.Scheduled++
		}
		if outcome.status = feasible(); outcome.status.IsError() || outcome.status.Code() == fwk.Unschedulable {
			return outcome
		}
	}
	if outcome.status.IsWait() {
		outcome.status = unschedulable(outcome.status)
	}
	return outcome
}

// trial places members in the snapshot, and takes them all back at its end.
type trial struct {
	cycle  *Cycle
	group  *groupAttempt
	placed []placed
}

type placed struct {
	*podResult
	pod *corev1.Pod // with its node
	// session says that the pod was added in a session which somebody else began and will end.
	session bool
}

// place decides on one member, and puts it in its place.
func (t *trial) place(ctx context.Context, entry *queue.Entry, state *framework.PlacementState) *podResult {
	ctx = klog.NewContext(ctx, klog.FromContext(ctx).WithValues("pod", klog.KObj(entry.GetPod())))
	m := &podResult{attempt: t.cycle.attempt(entry, t.group.profile)}
	m.state.JoinGroup(state)
	if m.node, m.failure = t.cycle.decideOnSnapshot(ctx, m.attempt); m.failure != nil {
		return m
	}
	if status := t.assume(ctx, m); !status.IsSuccess() {
		m.failure = &failure{status: asFitError(entry.GetPod(), m.node, status), nominating: noNomination}
		m.node = ""
	}
	return m
}

// assume puts a member in its place and asks the Reserve plugins.
func (t *trial) assume(ctx context.Context, m *podResult) *fwk.Status {
	assumed := onNode(m.pod(), m.node)
	info, _ := nodeinfo.NewPodInfo(assumed) // Terms that cannot be parsed were reported when the pod was queued.
	p := placed{podResult: m, pod: assumed}
	if err := t.cycle.Snapshot.Assume(info, m.node); err != nil {
		// While a plugin tries out what would be if other pods were gone, changes are part of that.
		p.session = true
		if err := t.cycle.Snapshot.AddPod(info, m.node); err != nil {
			return fwk.AsStatus(err)
		}
	}
	t.cycle.Queue.DeleteNominatedPodIfExists(assumed)
	status := t.group.profile.RunReservePluginsReserve(ctx, m.state, assumed, m.node)
	if !status.IsSuccess() {
		t.takeBack(ctx, p)
		return status
	}
	t.placed = append(t.placed, p)
	return nil
}

// end takes back all members, the last first.
func (t *trial) end(ctx context.Context) {
	for i := len(t.placed) - 1; i >= 0; i-- {
		t.takeBack(ctx, t.placed[i])
	}
	t.placed = nil
}

func (t *trial) takeBack(ctx context.Context, p placed) {
	logger, node := klog.FromContext(ctx), p.pod.Spec.NodeName
	t.group.profile.RunReservePluginsUnreserve(ctx, p.state, p.pod, node)
	forget := t.cycle.Snapshot.Forget
	if p.session {
		forget = t.cycle.Snapshot.RemovePod
	}
	if err := forget(logger, p.pod, node); err != nil {
		logger.Error(err, "Pod could not be taken back from the snapshot", "pod", klog.KObj(p.pod))
	}
	if nominated := p.pod.Status.NominatedNodeName; nominated != "" {
		t.cycle.Queue.AddNominatedPod(logger, p.entry.PodInfo,
			&fwk.NominatingInfo{NominatingMode: fwk.ModeOverride, NominatedNodeName: nominated})
	}
}

// onNode returns the pod with its node. It shares the rest with the pod.
func onNode(pod *corev1.Pod, node string) *corev1.Pod {
	assumed := *pod
	assumed.Spec.NodeName = node
	return &assumed
}
