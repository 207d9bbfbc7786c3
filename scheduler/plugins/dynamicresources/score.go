package dynamicresources

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// PreScore skips pods without claims.
func (*Plugin) PreScore(_ context.Context, state fwk.CycleState, _ *corev1.Pod, _ []fwk.NodeInfo) *fwk.Status {
	if w, err := stateOf(state); err != nil {
		return fwk.AsStatus(err)
	} else if w == nil {
		return fwk.NewStatus(fwk.Skip)
	}
	return nil
}

// Score is higher the earlier in their lists the alternatives stand that the claims get on the node.
func (*Plugin) Score(_ context.Context, state fwk.CycleState, _ *corev1.Pod, node fwk.NodeInfo) (int64, *fwk.Status) {
	w, err := stateOf(state)
	if err != nil {
		return 0, fwk.AsStatus(err)
	}
	if w == nil {
		return 0, nil
	}
	planned := w.planned(node.Node().Name)
	if planned == nil {
		return 0, nil // Nothing is allocated, so that every node gives the same.
	}
	var score int64
	for i, need := range w.needs {
		if need.allocated() {
			score += preference(need.claim, need.claim.Status.Allocation)
		} else if planned.allocations[i] != nil {
			score += preference(need.claim, planned.allocations[i])
		}
	}
	return score, nil
}

// preference adds up, for all requests with alternatives, how far before the end of the longest possible list the chosen
// one stands.
func preference(claim *resourcev1.ResourceClaim, allocation *resourcev1.AllocationResult) int64 {
	var sum int64
	for _, request := range claim.Spec.Devices.Requests {
		for i, alternative := range request.FirstAvailable {
			if gets(allocation, resourceclaim.CreateSubRequestRef(request.Name, alternative.Name)) {
				sum += int64(resourcev1.FirstAvailableDeviceRequestMaxSize - i)
			}
		}
	}
	return sum
}

func gets(allocation *resourcev1.AllocationResult, request string) bool {
	for i := range allocation.Devices.Results {
		if allocation.Devices.Results[i].Request == request {
			return true
		}
	}
	return false
}

// ScoreExtensions returns the plugin, which normalizes.
func (p *Plugin) ScoreExtensions() fwk.ScoreExtensions { return p }

// NormalizeScore scales the scores so that the best node has 100.
func (*Plugin) NormalizeScore(_ context.Context, _ fwk.CycleState, _ *corev1.Pod, scores fwk.NodeScoreList) *fwk.Status {
	framework.NormalizeByMax(scores, false)
	return nil
}
