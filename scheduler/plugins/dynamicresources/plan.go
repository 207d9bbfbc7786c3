package dynamicresources

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/component-helpers/nodedeclaredfeatures/features/draoptionalnodeoperations"
	"k8s.io/dynamic-resource-allocation/structured"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
)

// plan is what would be written for the pod on one node.
type plan struct {
	// allocations has an entry for each need: nil where the claim is allocated already, or where the node has
	// the extended resources itself.
	allocations []*resourcev1.AllocationResult
	// extended is the claim for extended resources on this node. Nil where it needs none.
	extended *extendedClaim
}

// Filter refuses a node where the pod's claims are out of reach or cannot be allocated; else it keeps the plan.
func (p *Plugin) Filter(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, node fwk.NodeInfo) *fwk.Status {
	w, err := stateOf(state)
	if err != nil {
		return fwk.AsStatus(err)
	}
	if w == nil {
		return nil
	}
	extended, status := p.extendedOn(w, pod, node)
	if !status.IsSuccess() {
		return status
	}
	if extended == nil && len(w.named()) == 0 {
		return nil // The node has a device plugin for all that the pod asks for.
	}
	var made *plan
	if w.allocator != nil {
		if made, status = w.plan(ctx, node.Node(), extended, p.filterTimeout); !status.IsSuccess() {
			return status
		}
	}
	unavailable := w.unavailableOn(node.Node(), time.Now(), p.bindingTimeout)
	w.keep(node.Node().Name, made, unavailable)
	if len(unavailable) > 0 {
		return refused("resourceclaim not available on the node")
	}
	return nil
}

// keep remembers what was found out about a node. Nodes are filtered side by side.
func (w *stateData) keep(node string, made *plan, unavailable []int) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if len(unavailable) == 0 {
		w.plans[node] = made
		return
	}
	if w.unavailable == nil {
		w.unavailable = sets.New[int]()
	}
	w.unavailable.Insert(unavailable...)
}

// planned returns the plan for a node. Nil means that nothing is to be allocated there.
func (w *stateData) planned(node string) *plan {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.plans[node]
}

// unavailableOn returns the needs with devices that cannot be used on the node as they are.
func (w *stateData) unavailableOn(node *corev1.Node, now time.Time, patience time.Duration) []int {
	var indices []int
	for i, need := range w.needs {
		allocation := need.claim.Status.Allocation
		switch {
		case need.selector != nil && !need.selector.Match(node),
			lacksNodeOperations(allocation, node),
			allocation != nil && givesUpOn(need.claim, now, patience):
			indices = append(indices, i)
		}
	}
	return indices
}

// givesUpOn reports whether the devices of a claim failed to get ready, or took too long.
func givesUpOn(claim *resourcev1.ResourceClaim, now time.Time, patience time.Duration) bool {
	ready, err := devicesReady(claim)
	return err != nil || !ready && overdue(claim, now, patience)
}

// plan allocates all claims that are not.
func (w *stateData) plan(ctx context.Context, node *corev1.Node, extended *extendedClaim, timeout time.Duration) (*plan, *fwk.Status) {
	made := &plan{allocations: make([]*resourcev1.AllocationResult, len(w.needs)), extended: extended}
	var claims []*resourcev1.ResourceClaim
	var indices []int // of the needs that the claims are for
	for i, need := range w.needs {
		switch {
		case need.allocated():
		case need.allocation != nil:
			if lacksNodeOperations(need.allocation, node) {
				return nil, refused(fmt.Sprintf("resource claim %s allocation requires DRAOptionalNodeOperations feature on the node", klog.KObj(need.claim)))
			}
			made.allocations[i] = need.allocation
		case w.extended != nil && i == len(w.needs)-1:
			if extended != nil {
				claims, indices = append(claims, extended.claim), append(indices, i)
			}
		default:
			claims, indices = append(claims, need.claim), append(indices, i)
		}
	}
	results, status := w.allocate(ctx, node, claims, timeout)
	if !status.IsSuccess() {
		return nil, status
	}
	for i := range results {
		made.allocations[indices[i]] = &results[i]
	}
	return made, nil
}

// allocate asks for one result for each claim.
func (w *stateData) allocate(ctx context.Context, node *corev1.Node, claims []*resourcev1.ResourceClaim, timeout time.Duration) (
	[]resourcev1.AllocationResult, *fwk.Status,
) {
	limited := ctx
	if timeout > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	results, err := w.allocator.Allocate(limited, node, claims)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		// No event would bring the pod back, since nothing has to change; as an error, it is tried again.
		return nil, fwk.AsStatus(fmt.Errorf("node %s: timed out trying to allocate devices", node.Name))
	case errors.Is(err, structured.ErrFailedAllocationOnNode):
		return nil, refused(err.Error())
	case ctx.Err() != nil:
		return nil, refused(fmt.Sprintf("asked by caller to stop allocating devices: %v", context.Cause(ctx)))
	case err != nil:
		return nil, fwk.AsStatus(err) // Something is wrong with a claim or a class, so that other nodes need not be tried.
	case len(results) != len(claims):
		return nil, refused("cannot allocate all claims")
	}
	return results, nil
}

// lacksNodeOperations reports whether a node does not know that it may leave out operations for some device.
func lacksNodeOperations(allocation *resourcev1.AllocationResult, node *corev1.Node) bool {
	if allocation == nil || slices.Contains(node.Status.DeclaredFeatures, draoptionalnodeoperations.DRAOptionalNodeOperationsFeatureGate) {
		return false
	}
	return slices.ContainsFunc(allocation.Devices.Results, func(result resourcev1.DeviceRequestAllocationResult) bool {
		return len(result.SkipNodeOperations) > 0
	})
}
