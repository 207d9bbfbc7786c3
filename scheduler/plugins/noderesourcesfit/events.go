package noderesourcesfit

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	podresources "k8s.io/component-helpers/resource"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
	"github.com/orrery-dev/orrery/scheduler/resources"
)

// EventsToRegister asks for whatever frees or adds resources, for the pod asking for less, and for devices that can
// stand for resources.
func (p *Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	events := []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.AssignedPod, ActionType: fwk.Delete}, QueueingHintFn: afterPodDeleted},
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeAllocatable}, QueueingHintFn: p.afterNode},
		{Event: fwk.ClusterEvent{Resource: fwk.AssignedPod, ActionType: fwk.UpdatePodScaleDown}, QueueingHintFn: afterPodScaledDown},
		{Event: fwk.ClusterEvent{Resource: fwk.TargetPod, ActionType: fwk.UpdatePodScaleDown}},
	}
	if p.classes != nil {
		events = append(events, fwk.ClusterEventWithHint{
			Event: fwk.ClusterEvent{Resource: fwk.DeviceClass, ActionType: fwk.Add | fwk.Update}, QueueingHintFn: afterClass,
		})
	}
	return events, nil
}

// afterClass wakes the pod when a class begins to stand for a resource that the pod asks for.
func afterClass(_ klog.Logger, pod *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	before, after, err := framework.EventObjects[*resourcev1.DeviceClass](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	requests := podresources.PodRequests(pod, podresources.PodResourcesOptions{})
	asksFor := func(name string) bool {
		_, asks := requests[corev1.ResourceName(name)]
		return name != "" && asks
	}
	named := ptr.Deref(after.Spec.ExtendedResourceName, "")
	switch {
	case before != nil && ptr.Deref(before.Spec.ExtendedResourceName, "") == named:
		return fwk.QueueSkip, nil
	case before == nil && asksFor(resourcev1.ResourceDeviceClassPrefix+after.Name), asksFor(named):
		return fwk.Queue, nil
	}
	return fwk.QueueSkip, nil
}

func afterPodDeleted(_ klog.Logger, _ *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	deleted, _, err := framework.EventObjects[*corev1.Pod](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	if deleted.Spec.NodeName == "" && deleted.Status.NominatedNodeName == "" {
		return fwk.QueueSkip, nil // It took nothing.
	}
	return fwk.Queue, nil
}

func afterPodScaledDown(_ klog.Logger, pod *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	before, after, err := framework.EventObjects[*corev1.Pod](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	if after.Spec.NodeName == "" {
		return fwk.QueueSkip, nil
	}
	had, has := resources.FromList(resources.StatusRequests(before)), resources.FromList(resources.StatusRequests(after))
	if differsWhereWanted(resources.FromList(resources.StatusRequests(pod)), had, has) {
		return fwk.Queue, nil
	}
	return fwk.QueueSkip, nil
}

func (p *Plugin) afterNode(_ klog.Logger, pod *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	before, after, err := framework.EventObjects[*corev1.Node](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	wanted, node := resources.Requests(pod), nodeinfo.ForNode(after)
	if len((&Plugin{classes: p.classes}).lacking(wanted, node)) > 0 {
		return fwk.QueueSkip, nil // Not even the empty node would do.
	}
	if before == nil {
		return fwk.Queue, nil
	}
	had, has := resources.FromList(before.Status.Allocatable), resources.FromList(after.Status.Allocatable)
	if has.PodCount > had.PodCount || differsWhereWanted(wanted, has, had) {
		return fwk.Queue, nil
	}
	for name, amount := range wanted.Scalars {
		if amount != 0 && p.delegates(name, node) {
			return fwk.Queue, nil
		}
	}
	return fwk.QueueSkip, nil
}

// differsWhereWanted reports whether there is more in high than in low of something that is wanted.
func differsWhereWanted(wanted, high, low *resources.Amounts) bool {
	if wanted.MilliCPU > 0 && high.MilliCPU > low.MilliCPU ||
		wanted.Memory > 0 && high.Memory > low.Memory ||
		wanted.EphemeralStorage > 0 && high.EphemeralStorage > low.EphemeralStorage {
		return true
	}
	for name, amount := range wanted.Scalars {
		if amount > 0 && high.Scalars[name] > low.Scalars[name] {
			return true
		}
	}
	return false
}
