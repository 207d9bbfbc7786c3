package dynamicresources

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// EventsToRegister asks for what makes devices reachable (nodes), adds or frees some (slices, classes, claims), or gives
// the pod its claims.
func (p *Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeLabel | fwk.UpdateNodeAllocatable}},
		{Event: fwk.ClusterEvent{Resource: fwk.ResourceClaim, ActionType: fwk.Add | fwk.Update | fwk.Delete}, QueueingHintFn: p.afterClaim},
		{Event: fwk.ClusterEvent{Resource: fwk.TargetPod, ActionType: fwk.UpdatePodGeneratedResourceClaim}, QueueingHintFn: p.afterClaimGenerated},
		{Event: fwk.ClusterEvent{Resource: fwk.DeviceClass, ActionType: fwk.Add | fwk.Update}},
		{Event: fwk.ClusterEvent{Resource: fwk.ResourceSlice, ActionType: fwk.Add | fwk.Update}},
	}, nil
}

// afterClaim wakes the pod when a claim has freed its devices, or when the status of a claim of its own has changed.
func (p *Plugin) afterClaim(_ klog.Logger, pod *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
	if _, unknown := old.(toolscache.DeletedFinalStateUnknown); unknown && new == nil {
		return fwk.Queue, nil // It may have been allocated.
	}
	before, after, err := framework.EventObjects[*resourcev1.ResourceClaim](old, new)
	if err != nil {
		return fwk.Queue, err
	}
	if after == nil {
		return queueIf(before.Status.Allocation != nil), nil
	}
	claims, err := p.claimsOf(pod)
	if err != nil {
		return fwk.QueueSkip, nil //nolint:nilerr // The pod has to wait for another event.
	}
	switch {
	case before != nil && before.Status.Allocation != nil && after.Status.Allocation == nil:
		return fwk.Queue, nil
	case !contains(claims, after):
		return fwk.QueueSkip, nil
	}
	return queueIf(before == nil || !equality.Semantic.DeepEqual(&before.Status, &after.Status)), nil
}

// afterClaimGenerated wakes the pod once all its claims are there.
func (p *Plugin) afterClaimGenerated(_ klog.Logger, _ *corev1.Pod, _, new any) (fwk.QueueingHint, error) {
	_, after, err := framework.EventObjects[*corev1.Pod](nil, new)
	if err != nil {
		return fwk.Queue, err
	}
	_, err = p.claimsOf(after)
	return queueIf(err == nil), nil
}

func contains(claims []*resourcev1.ResourceClaim, claim *resourcev1.ResourceClaim) bool {
	for _, each := range claims {
		if each.UID == claim.UID {
			return true
		}
	}
	return false
}

func queueIf(worth bool) fwk.QueueingHint {
	if worth {
		return fwk.Queue
	}
	return fwk.QueueSkip
}
