package cycle

import (
	"context"
	"fmt"

	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/metrics"
	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
)

// Condition is one of a pod group's.
type Condition = metav1.Condition

// helpGroup asks the PodGroupPostFilter plugins to help a group that cannot be scheduled.
func (c *Cycle) helpGroup(ctx context.Context, g *groupAttempt, outcome *groupOutcome) {
	again := func(ctx context.Context) (*fwk.PodGroupAssignments, *fwk.Status) {
		copied := *g
		copied.state = framework.NewGroupState(g.state.ShouldRecordPluginMetrics())
		tried := c.decideGroup(ctx, &copied)
		return &fwk.PodGroupAssignments{ProposedAssignments: tried.proposals()}, tried.status
	}
	outcome.complete(c, g)
	result, status := g.profile.RunPodGroupPostFilterPlugins(ctx, g.state, g, again)
	switch {
	case status.IsError():
		outcome.status = status
		return
	case status.IsSuccess():
		outcome.preempting = true
		for _, member := range outcome.members {
			pod := member.pod()
			if nominating, found := result.NominatingInfos[types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}]; found {
				member.nominating = nominating
			}
		}
	}
	outcome.status.AppendReason(status.String())
}

// complete adds the members that were not decided on, because what came before decided on the group.
func (o *groupOutcome) complete(c *Cycle, g *groupAttempt) {
	for _, entry := range g.members[len(o.members):] {
		o.members = append(o.members, &member{
			attempt: c.attempt(entry, g.profile),
			failure: &failure{status: o.status.Clone()},
		})
	}
}

// settleGroup binds the members of a group that can be scheduled, and puts back the others.
func (c *Cycle) settleGroup(ctx context.Context, g *groupAttempt, outcome *groupOutcome) {
	outcome.complete(c, g)
	if outcome.status.IsSuccess() {
		c.commitGroup(ctx, g, outcome)
	}
	var left []*member
	for _, member := range outcome.members {
		if member.failure != nil || !outcome.status.IsSuccess() {
			left = append(left, member)
		}
	}
	// Each writes to the API server, and the group is not tried again before all have.
	g.profile.Parallelizer().Until(ctx, len(left), func(i int) {
		ctx := klog.NewContext(ctx, klog.FromContext(ctx).WithValues("pod", klog.KObj(left[i].pod())))
		c.fail(ctx, left[i].attempt, outcome.failureOf(left[i]))
	}, "PodGroupFailure")
	c.reportGroup(ctx, g, outcome)
	c.Queue.RequeueGroup(g.entry, outcome.status)
}

// failureOf says why a member is not bound.
func (o *groupOutcome) failureOf(m *member) failure {
	switch {
	case o.status.IsError() && m.failure != nil && m.failure.status.IsError():
		return failure{status: m.failure.status, nominating: noNomination}
	case o.status.IsError():
		return failure{status: o.status, nominating: noNomination}
	case m.failure != nil:
		why := *m.failure
		if m.nominating != nil {
			why.nominating = m.nominating
		}
		return why
	case o.preempting:
		return failure{status: o.status, nominating: m.nominating}
	}
	// It has a place, but the group has not enough of them.
	status := fwk.NewStatus(fwk.Unschedulable, o.status.Message()).WithError(errGroupUnschedulable)
	return failure{status: status, nominating: noNomination}
}

// commitGroup assumes all members that have a place, and then lets them be bound. The trial has shown that they fit; where
// a plugin thinks otherwise now, and too few are left, all give back their places.
func (c *Cycle) commitGroup(ctx context.Context, g *groupAttempt, outcome *groupOutcome) {
	var held []*member
	for _, m := range outcome.members {
		if m.node == "" {
			continue
		}
		m.state.JoinGroup(nil)
		if m.failure = c.hold(ctx, m); m.failure == nil {
			held = append(held, m)
		}
	}
	needed := g.minCount() - c.scheduledBefore(g, len(held))
	if len(held) < needed {
		outcome.status = unschedulable(fwk.NewStatus(fwk.Unschedulable,
			fmt.Sprintf("minCount (%d) cannot be satisfied: %d scheduled, 0 remaining", g.minCount(), g.minCount()-needed+len(held))))
		for _, m := range held {
			c.takeBack(ctx, m.attempt, m.assumed, m.node)
		}
		return
	}
	c.permitGroup(ctx, g, held, needed)
}

// scheduledBefore is how many pods of the group had a place before this attempt.
func (c *Cycle) scheduledBefore(g *groupAttempt, now int) int {
	state, err := c.Cache.Groups().PodGroupStates().Get(g.GetNamespace(), g.GetName())
	if err != nil {
		return 0 // The group has just been deleted with all its pods.
	}
	return state.ScheduledPodsCount() - now
}

// hold assumes a member on its node in the cache and asks the Reserve plugins.
func (c *Cycle) hold(ctx context.Context, m *member) *failure {
	m.assumed = onNode(m.pod(), m.node)
	info, _ := nodeinfo.NewPodInfo(m.assumed) // Terms that cannot be parsed were reported when the pod was queued.
	if err := c.Cache.Assume(info); err != nil {
		return &failure{status: fwk.AsStatus(err), nominating: noNomination}
	}
	c.Queue.DeleteNominatedPodIfExists(m.assumed)
	if status := m.profile.RunReservePluginsReserve(ctx, m.state, m.assumed, m.node); !status.IsSuccess() {
		c.takeBack(ctx, m.attempt, m.assumed, m.node)
		return &failure{status: asFitError(m.pod(), m.node, status), nominating: noNomination}
	}
	return nil
}

// permitGroup asks the Permit plugins about the members, and lets them be bound. Where one has to wait, all of a gang
// wait until enough of them are permitted.
func (c *Cycle) permitGroup(ctx context.Context, g *groupAttempt, held []*member, needed int) {
	var going []*member
	var together *quorum
	for _, m := range held {
		status := g.profile.RunPermitPlugins(ctx, m.state, m.assumed, m.node)
		if !status.IsSuccess() && !status.IsWait() {
			c.takeBack(ctx, m.attempt, m.assumed, m.node)
			m.failure = &failure{status: asFitError(m.pod(), m.node, status), nominating: noNomination}
		} else {
			going = append(going, m)
		}
		if !status.IsSuccess() && together == nil && g.object.Spec.SchedulingPolicy.Gang != nil {
			together = newQuorum(needed, len(held))
		}
	}
	for range len(held) - len(going) {
		together.refused()
	}
	for _, m := range going {
		m.quorum = together
		c.binding.Add(1)
		go func() {
			defer c.binding.Done()
			running := metrics.Goroutines.WithLabelValues("binding")
			running.Inc()
			defer running.Dec()
			ctx := klog.NewContext(ctx, klog.FromContext(ctx).WithValues("pod", klog.KObj(m.assumed)))
			c.bindAssumed(ctx, m.attempt, m.assumed, m.node)
		}()
	}
}

// failGroup puts back all pods of a group that could not even be tried.
func (c *Cycle) failGroup(ctx context.Context, g *groupAttempt, err error) {
	status := fwk.AsStatus(err)
	for _, entry := range g.members {
		pod := entry.GetPod()
		profile, known := c.Profiles[pod.Spec.SchedulerName]
		if !known {
			c.Queue.Done(pod.UID)
			continue
		}
		g.profile = profile
		c.fail(ctx, c.attempt(entry, profile), failure{status: status, nominating: noNomination})
	}
	if g.profile != nil {
		c.reportGroup(ctx, g, &groupOutcome{status: status})
	}
	c.Queue.RequeueGroup(g.entry, status)
}

// reportGroup says in the group's status what became of it. Once it has been scheduled, that stays.
func (c *Cycle) reportGroup(ctx context.Context, g *groupAttempt, outcome *groupOutcome) {
	condition, result := Condition{Type: schedulingv1beta1.PodGroupInitiallyScheduled, Message: outcome.status.Message()}, metrics.Failed
	switch {
	case outcome.status.IsSuccess():
		condition.Status, condition.Reason, result = metav1.ConditionTrue, "Scheduled", metrics.Scheduled
	case outcome.status.IsRejected():
		condition.Status, condition.Reason, result = metav1.ConditionFalse, schedulingv1beta1.PodGroupReasonUnschedulable, metrics.Unschedulable
		if outcome.preempting {
			result = metrics.WaitingOnPreemption
		}
	default:
		condition.Status, condition.Reason = metav1.ConditionFalse, schedulingv1beta1.PodGroupReasonSchedulerError
		condition.Message = outcome.status.AsError().Error()
	}
	metrics.GroupAttempt(result, g.profile.ProfileName(), c.Clock.Since(g.start))
	klog.FromContext(ctx).V(2).Info("Pod group tried", "result", result, "pods", len(g.members), "reason", condition.Message)
	if g.object == nil {
		return
	}
	condition.ObservedGeneration = g.object.Generation
	if err := c.Groups.ReportGroup(ctx, g.object, condition); err != nil {
		klog.FromContext(ctx).Error(err, "Condition of the pod group could not be written")
	}
}
