package volumebinding

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/volumeclaims"
)

// EventsToRegister asks for whatever a volume can come from: claims, volumes, classes, room, and the labels of nodes.
func (*Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.StorageClass, ActionType: fwk.Add | fwk.Update}, QueueingHintFn: afterClass},
		{Event: fwk.ClusterEvent{Resource: fwk.PersistentVolumeClaim, ActionType: fwk.Add | fwk.Update}, QueueingHintFn: volumeclaims.After(volumeclaims.Uses)},
		{Event: fwk.ClusterEvent{Resource: fwk.PersistentVolume, ActionType: fwk.Add | fwk.Update}},
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeLabel}},
		{Event: fwk.ClusterEvent{Resource: fwk.CSINode, ActionType: fwk.Add | fwk.Update}, QueueingHintFn: afterCSINode},
		{Event: fwk.ClusterEvent{Resource: fwk.CSIDriver, ActionType: fwk.Update}, QueueingHintFn: afterCSIDriver},
		{Event: fwk.ClusterEvent{Resource: fwk.CSIStorageCapacity, ActionType: fwk.Add | fwk.Update}, QueueingHintFn: afterCapacity},
	}, nil
}

// afterClass lets the pod be tried again when the class is new, or allows volumes elsewhere.
func afterClass(_ klog.Logger, _ *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	before, after, err := framework.EventObjects[*storagev1.StorageClass](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	if before != nil && equality.Semantic.DeepEqual(before.AllowedTopologies, after.AllowedTopologies) {
		return fwk.QueueSkip, nil
	}
	return fwk.Queue, nil
}

// afterCSINode lets the pod be tried again when the node is new, or other plugins are migrated there.
func afterCSINode(_ klog.Logger, _ *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	before, after, err := framework.EventObjects[*storagev1.CSINode](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	const plugins = corev1.MigratedPluginsAnnotationKey
	if before != nil && before.Annotations[plugins] == after.Annotations[plugins] {
		return fwk.QueueSkip, nil
	}
	return fwk.Queue, nil
}

// afterCSIDriver lets the pod be tried again when a driver of its own volumes no longer keeps account of room.
func afterCSIDriver(_ klog.Logger, pod *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	before, after, err := framework.EventObjects[*storagev1.CSIDriver](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	if !ptr.Deref(before.Spec.StorageCapacity, false) || ptr.Deref(after.Spec.StorageCapacity, false) {
		return fwk.QueueSkip, nil
	}
	for i := range pod.Spec.Volumes {
		if inline := pod.Spec.Volumes[i].CSI; inline != nil && inline.Driver == after.Name {
			return fwk.Queue, nil
		}
	}
	return fwk.QueueSkip, nil
}

// afterCapacity lets the pod be tried again when there is room for a larger volume than before.
func afterCapacity(_ klog.Logger, _ *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	before, after, err := framework.EventObjects[*storagev1.CSIStorageCapacity](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	if before == nil {
		return fwk.Queue, nil
	}
	had, has := largestVolume(before), largestVolume(after)
	if has != nil && (had == nil || has.Value() > had.Value()) {
		return fwk.Queue, nil
	}
	return fwk.QueueSkip, nil
}
