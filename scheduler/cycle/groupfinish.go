package cycle

import (
	"context"

	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/metrics"
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
	help, status := g.profile.RunPodGroupPostFilterPlugins(ctx, g.state, g, again)
	switch {
	case status.IsError():
		outcome.status = status
		return
	case status.IsSuccess():
		outcome.preempting = true
		for _, result := range outcome.results {
			pod := result.pod()
			if nominating, found := help.NominatingInfos[types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}]; found {
				result.nominating = nominating
			}
		}
	}
	outcome.status.AppendReason(status.String())
}

// complete adds the members that were not decided on, because what came before decided on the group.
func (o *groupOutcome) complete(c *Cycle, g *groupAttempt) {
	for _, entry := range g.members[len(o.results):] {
		o.results = append(o.results, &podResult{
			attempt: c.attempt(entry, g.profile),
			failure: &failure{status: o.status.Clone()},
		})
	}
}

// finishGroup puts back the members of a group that cannot be scheduled, and then lets the others be bound: one whose
// binding fails comes back after the attempt on its group, never within it.
func (c *Cycle) finishGroup(ctx context.Context, g *groupAttempt, outcome *groupOutcome) {
	outcome.complete(c, g)
	var going []*podResult
	if outcome.status.IsSuccess() {
		going = c.commitGroup(ctx, g, outcome)
	}
	var left []*podResult
	for _, result := range outcome.results {
		if result.assumed == nil {
			left = append(left, result)
		}
	}
	// Each writes to the API server, and the group is not tried again before all have.
	g.profile.Parallelizer().Until(ctx, len(left), func(i int) {
		ctx := klog.NewContext(ctx, klog.FromContext(ctx).WithValues("pod", klog.KObj(left[i].pod())))
		c.handleFailure(ctx, left[i].attempt, outcome.failureOf(left[i]))
	}, "PodGroupFailure")
	c.Queue.RequeueGroup(g.entry, outcome.status)
	for _, result := range going {
		ctx := klog.NewContext(ctx, klog.FromContext(ctx).WithValues("pod", klog.KObj(result.assumed)))
		c.startBinding(ctx, result.attempt, result.assumed, result.node)
	}
	c.reportGroup(ctx, g, outcome)
}

// failureOf says why a member is not bound.
func (o *groupOutcome) failureOf(m *podResult) failure {
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
		c.handleFailure(ctx, c.attempt(entry, profile), failure{status: status, nominating: noNomination})
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
