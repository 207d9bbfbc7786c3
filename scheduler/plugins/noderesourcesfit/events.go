package noderesourcesfit

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
	"github.com/orrery-dev/orrery/scheduler/resources"
)

// EventsToRegister asks for whatever frees or adds resources, and for the pod asking for less.
func (p *Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.AssignedPod, ActionType: fwk.Delete}, QueueingHintFn: afterPodDeleted},
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeAllocatable}, QueueingHintFn: afterNode},
		{Event: fwk.ClusterEvent{Resource: fwk.AssignedPod, ActionType: fwk.UpdatePodScaleDown}, QueueingHintFn: afterPodScaledDown},
		{Event: fwk.ClusterEvent{Resource: fwk.TargetPod, ActionType: fwk.UpdatePodScaleDown}},
	}, nil
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

func afterNode(_ klog.Logger, pod *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	before, after, err := framework.EventObjects[*corev1.Node](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	wanted, node := resources.Requests(pod), nodeinfo.ForNode(after)
	if len((&Plugin{}).lacking(wanted, node)) > 0 {
		return fwk.QueueSkip, nil // Not even the empty node would do.
	}
	if before == nil {
		return fwk.Queue, nil
	}
	had, has := resources.FromList(before.Status.Allocatable), resources.FromList(after.Status.Allocatable)
	if has.PodCount > had.PodCount || differsWhereWanted(wanted, has, had) {
		return fwk.Queue, nil
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
