package dynamicresources

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/dra"
)

// Reserve makes the plan for the node count. That the pod may use its claims is written by PreBind.
func (p *Plugin) Reserve(_ context.Context, state fwk.CycleState, pod *corev1.Pod, node string) *fwk.Status {
	w, err := stateOf(state)
	if err != nil {
		return fwk.AsStatus(err)
	}
	if w == nil || w.allocator == nil {
		return nil
	}
	planned := w.planned(node)
	if planned == nil {
		if slices.ContainsFunc(w.named(), func(n *need) bool { return !n.allocated() }) {
			return fwk.AsStatus(errors.New("claim allocation not found for node"))
		}
		return nil // Device plugins have all that was to be allocated.
	}
	for i, need := range w.needs {
		if planned.allocations[i] == nil {
			continue
		}
		claim := need.claim
		if claim.Name == dra.Unnamed {
			claim = planned.extended.claim
		}
		need.allocation = planned.allocations[i]
		uid := w.uid(i)
		if err := p.known.ResourceClaims().SignalClaimPendingAllocation(uid, decided(claim, need.allocation)); err != nil {
			return fwk.AsStatus(fmt.Errorf("internal error, couldn't signal allocation for claim %s: %w", claim.Name, err))
		}
		need.signalled = true
		w.group.reserved(uid)
	}
	return nil
}

// decided returns the claim as it is going to be.
func decided(claim *resourcev1.ResourceClaim, allocation *resourcev1.AllocationResult) *resourcev1.ResourceClaim {
	claim = claim.DeepCopy()
	addFinalizer(claim)
	claim.Status.Allocation = allocation
	return claim
}

// addFinalizer keeps a claim as long as it has devices. It reports whether the finalizer was missing.
func addFinalizer(claim *resourcev1.ResourceClaim) bool {
	if slices.Contains(claim.Finalizers, resourcev1.Finalizer) {
		return false
	}
	claim.Finalizers = append(claim.Finalizers, resourcev1.Finalizer)
	return true
}

// uid is what a need's allocation is signalled under: the claim's UID, as it was when it was observed.
func (w *stateData) uid(i int) types.UID {
	if w.extended != nil && i == len(w.needs)-1 {
		return w.extended.uid
	}
	return w.needs[i].claim.UID
}

// Unreserve ends what Reserve began and takes back what PreBind has written, except allocations: the next attempt can use
// those. It may run more than once, and for a pod that was never reserved.
func (p *Plugin) Unreserve(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, _ string) {
	w, err := stateOf(state)
	if err != nil || w == nil {
		return
	}
	p.removePendingAllocations(w, false) // What was written stays assumed: it holds, and its devices are taken before a watch shows it.
	logger := klog.FromContext(ctx)
	for _, need := range w.named() {
		if need.allocated() && resourceclaim.IsReservedForPod(pod, need.claim, false) {
			if err := p.unreserve(ctx, need.claim, pod); err != nil {
				// The entry does no harm: the pod has it again at the next attempt, or somebody notices that the pod is
				// gone.
				logger.Error(err, "Claim stays reserved for a pod that is not bound", "pod", klog.KObj(pod))
			}
		}
	}
	if claim := w.leftover(); claim != nil {
		if err := p.remove(ctx, claim); err != nil {
			logger.Error(err, "Claim for extended resources stays; PostFilter tries again", "pod", klog.KObj(pod))
		}
	}
}

// removePendingAllocations ends what Reserve signalled: for this pod or, when the allocations are written, for all that
// share them.
func (p *Plugin) removePendingAllocations(w *stateData, written bool) {
	for i, need := range w.needs {
		if !need.signalled {
			continue
		}
		need.signalled = false
		if p.known.ResourceClaims().MaybeRemoveClaimPendingAllocation(w.uid(i), written) {
			w.group.released(w.uid(i))
		}
	}
}
