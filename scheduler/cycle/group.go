package cycle

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	schedulingv1alpha3 "k8s.io/api/scheduling/v1alpha3"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/metrics"
	"github.com/orrery-dev/orrery/scheduler/queue"
)

// GroupAPI is what the cycle needs of the API server for pod groups.
type GroupAPI interface {
	// ReportGroup sets a condition in a group's status if it differs from what is there.
	ReportGroup(ctx context.Context, group *schedulingv1beta1.PodGroup, condition Condition) error
}

// groupAttempt is one try to schedule the pending pods of one group.
type groupAttempt struct {
	entry   *queue.Entry
	object  *schedulingv1beta1.PodGroup // as the snapshot has it
	profile *framework.Framework
	state   *framework.GroupState
	start   time.Time
	members []*queue.Entry // in the order in which they are decided on
}

// scheduleGroup tries to schedule the pending pods of a group as a whole: it finds a place for each in a copy of the
// cluster that nobody else sees, and if that is enough for the group's policy, they are assumed there and bound.
func (c *Cycle) scheduleGroup(ctx context.Context, entry *queue.Entry) {
	name := entry.GroupName()
	ctx = klog.NewContext(ctx, klog.FromContext(ctx).WithValues("podGroup", name))
	g := &groupAttempt{
		entry:   entry,
		start:   c.Clock.Now(),
		state:   framework.NewGroupState(rand.IntN(100) < pluginMetricsPercent),
		members: entry.Members(),
	}
	c.Cache.Update(c.Snapshot)
	var err error
	if g.object, err = c.Snapshot.PodGroups().Get(name.Namespace, name.Name); err == nil {
		err = c.checkGroup(g)
	}
	if err != nil {
		c.failGroup(ctx, g, err)
		return
	}
	g.profile = c.Profiles[g.members[0].GetPod().Spec.SchedulerName]
	g.members = slices.DeleteFunc(slices.Clone(g.members), func(member *queue.Entry) bool {
		skipped := c.skipPodSchedule(g.profile, member.GetPod())
		if skipped {
			c.Queue.Done(member.GetPod().UID)
		}
		return skipped
	})
	if len(g.members) == 0 {
		c.Queue.RequeueGroup(entry, nil)
		return
	}
	outcome := c.decideGroup(ctx, g)
	metrics.GroupAlgorithmDuration.WithLabelValues().Observe(c.Clock.Since(g.start).Seconds())
	if outcome.status.Code() == fwk.Unschedulable {
		c.helpGroup(ctx, g, outcome)
	}
	c.finishGroup(ctx, g, outcome)
}

// checkGroup refuses a group whose pods cannot be scheduled together.
func (c *Cycle) checkGroup(g *groupAttempt) error {
	first := g.members[0].GetPod()
	state, err := c.Snapshot.PodGroupStates().Get(g.object.Namespace, g.object.Name)
	if err != nil {
		return fmt.Errorf("checking the pods of the pod group: %w", err)
	}
	for _, member := range g.members {
		if err := g.checkPod(first, member.GetPod()); err != nil {
			return err
		}
	}
	for _, pod := range state.ScheduledPods() {
		if err := g.checkPod(first, pod); err != nil {
			return err
		}
	}
	if c.Profiles[first.Spec.SchedulerName] == nil {
		return fmt.Errorf("profile not found for scheduler name %q", first.Spec.SchedulerName)
	}
	return nil
}

// checkPod has kube-scheduler's texts.
func (g *groupAttempt) checkPod(first, pod *corev1.Pod) error {
	if pod.Spec.SchedulerName != first.Spec.SchedulerName {
		return fmt.Errorf("all pods in a single pod group should have the same .spec.schedulerName set, got: %q and %q",
			pod.Spec.SchedulerName, first.Spec.SchedulerName)
	}
	if own, group := schedulinghelpers.PodPriority(pod), g.entry.GetPriority(); own != group {
		return fmt.Errorf("all pods in a single pod group should have the same priority as the pod group's priority, got %d and %d", own, group)
	}
	if own, others := preemptionPolicy(pod), preemptionPolicy(first); own != others {
		return fmt.Errorf("all pods in a single pod group should have the same preemption policy, got %v and %v", own, others)
	}
	return nil
}

func preemptionPolicy(pod *corev1.Pod) corev1.PreemptionPolicy {
	if pod.Spec.PreemptionPolicy == nil {
		return corev1.PreemptLowerPriority
	}
	return *pod.Spec.PreemptionPolicy
}

// minCount is how many pods the group needs to have a place; 1 where it is not a gang.
func (g *groupAttempt) minCount() int {
	if gang := g.object.Spec.SchedulingPolicy.Gang; gang != nil {
		return int(gang.MinCount)
	}
	return 1
}

// The groupAttempt is also what plugins are told of the group.
var _ fwk.PodGroupInfo = &groupAttempt{}

// GetUnscheduledPods returns the pods that are being decided on, in that order.
func (g *groupAttempt) GetUnscheduledPods() []*corev1.Pod {
	pods := make([]*corev1.Pod, len(g.members))
	for i, member := range g.members {
		pods[i] = member.GetPod()
	}
	return pods
}

// GetName returns the group's name.
func (g *groupAttempt) GetName() string { return g.entry.GroupName().Name }

// GetNamespace returns the group's namespace.
func (g *groupAttempt) GetNamespace() string { return g.entry.GroupName().Namespace }

// GetType says that this is a group of pods.
func (g *groupAttempt) GetType() fwk.EntityKeyType { return fwk.PodGroupKeyType }

// GetKey returns what identifies the group.
func (g *groupAttempt) GetKey() string {
	return fwk.PodGroupKey(g.GetNamespace(), g.GetName()).String()
}

// GetPodGroup returns the object.
func (g *groupAttempt) GetPodGroup() *schedulingv1beta1.PodGroup { return g.object }

// GetCompositePodGroup returns nil: there are no groups of groups.
func (g *groupAttempt) GetCompositePodGroup() *schedulingv1alpha3.CompositePodGroup { return nil }

// GetChildren returns nil: there are no groups of groups.
func (g *groupAttempt) GetChildren() []fwk.PodGroupInfo { return nil }
