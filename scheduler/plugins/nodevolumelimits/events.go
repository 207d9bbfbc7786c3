package nodevolumelimits

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/volumeclaims"
)

// EventsToRegister asks for whatever detaches a volume or lets more be attached, and for the claims that the pod misses.
func (*Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.CSINode, ActionType: fwk.Add}},
		{Event: fwk.ClusterEvent{Resource: fwk.CSINode, ActionType: fwk.Update}, QueueingHintFn: afterCSINodeUpdated},
		{Event: fwk.ClusterEvent{Resource: fwk.AssignedPod, ActionType: fwk.Delete}, QueueingHintFn: afterPodDeleted},
		{Event: fwk.ClusterEvent{Resource: fwk.PersistentVolumeClaim, ActionType: fwk.Add}, QueueingHintFn: volumeclaims.After(volumeclaims.Uses)},
		{Event: fwk.ClusterEvent{Resource: fwk.VolumeAttachment, ActionType: fwk.Delete}, QueueingHintFn: afterDetached},
	}, nil
}

// afterCSINodeUpdated lets the pod be tried again when a driver can attach more than before. A driver without a limit
// counts as one that can attach nothing: that it lost its limit brings no pod back.
func afterCSINodeUpdated(_ klog.Logger, _ *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	before, after, err := framework.EventObjects[*storagev1.CSINode](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	had := limitsOf(before)
	for driver, limit := range limitsOf(after) {
		if limit > had[driver] {
			return fwk.Queue, nil
		}
	}
	return fwk.QueueSkip, nil
}

func afterPodDeleted(_ klog.Logger, _ *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	deleted, _, err := framework.EventObjects[*corev1.Pod](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	onNode := deleted.Spec.NodeName != "" || deleted.Status.NominatedNodeName != ""
	if onNode && mayAttach(deleted) {
		return fwk.Queue, nil
	}
	return fwk.QueueSkip, nil
}

// afterDetached lets the pod be tried again when it has a claim, whose driver is not looked up, or a volume of the same
// driver.
func afterDetached(_ klog.Logger, pod *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	detached, _, err := framework.EventObjects[*storagev1.VolumeAttachment](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		if volume.PersistentVolumeClaim != nil {
			return fwk.Queue, nil
		}
		if !translator.IsInlineMigratable(volume) {
			continue
		}
		translated, err := translator.TranslateInTreeInlineVolumeToCSI(klog.Background(), volume, pod.Namespace)
		if err != nil {
			return fwk.Queue, fmt.Errorf("translating volume %s to CSI: %w", volume.Name, err)
		}
		if translated.Spec.CSI != nil && translated.Spec.CSI.Driver == detached.Spec.Attacher {
			return fwk.Queue, nil
		}
	}
	return fwk.QueueSkip, nil
}
