package dynamicresources

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/dra"
)

// PreBindPreFlight skips pods without claims.
func (*Plugin) PreBindPreFlight(_ context.Context, state fwk.CycleState, _ *corev1.Pod, _ string) (*fwk.PreBindPreFlightResult, *fwk.Status) {
	result := &fwk.PreBindPreFlightResult{AllowParallel: true}
	w, err := stateOf(state)
	if err != nil {
		return result, fwk.AsStatus(err)
	}
	if w == nil {
		return result, fwk.NewStatus(fwk.Skip)
	}
	return result, nil
}

// PreBind writes the plan for the node and that the pod uses its claims, and waits until their devices are ready. After
// an error the pod is unreserved and tried again.
func (p *Plugin) PreBind(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, node string) *fwk.Status {
	w, err := stateOf(state)
	if err != nil {
		return fwk.AsStatus(err)
	}
	if w == nil {
		return nil
	}
	for i, need := range w.needs {
		if resourceclaim.IsReservedForPod(pod, need.claim, false) {
			continue
		}
		if w.extended != nil && i == len(w.needs)-1 {
			err = p.bindExtended(ctx, need, w.planned(node), pod)
		} else {
			err = p.bind(ctx, need, pod)
		}
		if err != nil {
			return fwk.AsStatus(err)
		}
	}
	if err := p.awaitDevices(ctx, w, pod, node); err != nil {
		return fwk.AsStatus(err)
	}
	p.removePendingAllocations(w, true)
	return nil
}

// bind writes one claim, beginning with the newest version that is known: other users may have been added since.
func (p *Plugin) bind(ctx context.Context, need *need, pod *corev1.Pod) error {
	if newest, err := p.known.ResourceClaims().Get(need.claim.Namespace, need.claim.Name); err == nil && newest.UID == need.claim.UID {
		need.claim = newest
	}
	written, err := p.write(ctx, need.claim, need.allocation, pod)
	if err != nil {
		return err
	}
	need.claim = written
	p.assume(ctx, written)
	return nil
}

// bindExtended makes the claim for extended resources, writes it, and tells the pod of it. It does nothing where the node
// has them from a device plugin.
func (p *Plugin) bindExtended(ctx context.Context, need *need, planned *plan, pod *corev1.Pod) error {
	if need.allocation == nil {
		return nil
	}
	if need.claim.Name == dra.Unnamed {
		created, err := p.create(ctx, planned.extended.claim)
		if err != nil {
			return err
		}
		need.claim = created // So that Unreserve deletes it, whatever happens next.
	}
	written, err := p.write(ctx, need.claim, need.allocation, pod)
	if err != nil {
		return err
	}
	need.claim = written
	p.assumeNew(ctx, written)
	err = p.pods.ChangeStatus(ctx, pod, func(status *corev1.PodStatus) {
		status.ExtendedResourceClaimStatus = &corev1.PodExtendedResourceClaimStatus{
			RequestMappings:   planned.extended.uses,
			ResourceClaimName: written.Name,
		}
	})
	if err != nil {
		return fmt.Errorf("update pod %s/%s ExtendedResourceClaimStatus: %w", pod.Namespace, pod.Name, err)
	}
	return nil
}
