package gangscheduling

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/podgroups"
)

// EventsToRegister asks for new pods, with or without a node, and for new and changed groups. A pod's group never changes.
func (p *Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	event := func(resource fwk.EventResource, action fwk.ActionType) fwk.ClusterEvent {
		return fwk.ClusterEvent{Resource: resource, ActionType: action}
	}
	return []fwk.ClusterEventWithHint{
		{Event: event(fwk.UnscheduledPod, fwk.Add), QueueingHintFn: afterPod},
		{Event: event(fwk.AssignedPod, fwk.Add), QueueingHintFn: afterPod},
		{Event: event(fwk.PodGroup, fwk.Add), QueueingHintFn: afterGroup},
		{Event: event(fwk.PodGroup, fwk.Update), QueueingHintFn: afterGroupUpdate},
	}, nil
}

func answer(queue bool) fwk.QueueingHint {
	if queue {
		return fwk.Queue
	}
	return fwk.QueueSkip
}

// afterPod hopes for one more of the same group.
func afterPod(_ klog.Logger, pod *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	_, added, err := framework.EventObjects[*corev1.Pod](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	own, grouped := podgroups.Of(pod)
	other, alsoGrouped := podgroups.Of(added)
	return answer(grouped && alsoGrouped && own == other), nil
}

func afterGroup(_ klog.Logger, pod *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	_, added, err := framework.EventObjects[*schedulingv1beta1.PodGroup](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	return answer(isOf(pod, added)), nil
}

// afterGroupUpdate hopes for a lower minCount. The policy never changes otherwise.
func afterGroupUpdate(_ klog.Logger, pod *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	before, after, err := framework.EventObjects[*schedulingv1beta1.PodGroup](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	gangs := before.Spec.SchedulingPolicy.Gang != nil && after.Spec.SchedulingPolicy.Gang != nil
	return answer(isOf(pod, after) && gangs && minCount(after) < minCount(before)), nil
}

func isOf(pod *corev1.Pod, group *schedulingv1beta1.PodGroup) bool {
	name, grouped := podgroups.Of(pod)
	return grouped && name.Namespace == group.Namespace && name.Name == group.Name
}
