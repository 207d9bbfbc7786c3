package volumezone

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/volumeclaims"
)

// EventsToRegister asks for what was missing (a claim, its class, its volume), and for nodes and volumes that are
// somewhere else now.
func (*Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.StorageClass, ActionType: fwk.Add}, QueueingHintFn: afterClassAdded},
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeLabel}},
		{Event: fwk.ClusterEvent{Resource: fwk.PersistentVolumeClaim, ActionType: fwk.Add | fwk.Update}, QueueingHintFn: volumeclaims.After(volumeclaims.Names)},
		{Event: fwk.ClusterEvent{Resource: fwk.PersistentVolume, ActionType: fwk.Add | fwk.Update}, QueueingHintFn: afterVolume},
	}, nil
}

// afterClassAdded lets the pod be tried again when claims of the class may stay unbound.
func afterClassAdded(_ klog.Logger, _ *corev1.Pod, _, new any) (fwk.QueueingHint, error) {
	_, class, err := framework.EventObjects[*storagev1.StorageClass](nil, new)
	if err != nil {
		return fwk.Queue, err
	}
	mode := class.VolumeBindingMode
	if mode == nil || *mode != storagev1.VolumeBindingWaitForFirstConsumer {
		return fwk.QueueSkip, nil
	}
	return fwk.Queue, nil
}

// afterVolume lets the pod be tried again when the volume is new, or somewhere else than before.
func afterVolume(_ klog.Logger, _ *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	before, after, err := framework.EventObjects[*corev1.PersistentVolume](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	if before != nil && placesIn(before.Labels).equal(placesIn(after.Labels)) {
		return fwk.QueueSkip, nil
	}
	return fwk.Queue, nil
}
