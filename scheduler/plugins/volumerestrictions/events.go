package volumerestrictions

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/volumeclaims"
)

// EventsToRegister asks for pods that free a volume, for new nodes, and for the claims that the pod misses.
func (*Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.AssignedPod, ActionType: fwk.Delete}, QueueingHintFn: afterPodDeleted},
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add}},
		{Event: fwk.ClusterEvent{Resource: fwk.PersistentVolumeClaim, ActionType: fwk.Add}, QueueingHintFn: volumeclaims.After(volumeclaims.Names)},
	}, nil
}

// afterPodDeleted lets the pod be tried again when it shares a disk or a claim with the deleted one. Which access mode
// the claim has is not looked up.
func afterPodDeleted(_ klog.Logger, pod *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	deleted, _, err := framework.EventObjects[*corev1.Pod](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	if deleted.Namespace != pod.Namespace {
		return fwk.QueueSkip, nil
	}
	if sharesDisk(pod, deleted) || slices.ContainsFunc(deleted.Spec.Volumes, func(volume corev1.Volume) bool {
		return volume.PersistentVolumeClaim != nil && volumeclaims.NamesOneCalled(pod, volume.PersistentVolumeClaim.ClaimName)
	}) {
		return fwk.Queue, nil
	}
	return fwk.QueueSkip, nil
}
