package volumebinding

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/metrics"
)

// Reserve promises the pod what was decided for the node.
func (p *Plugin) Reserve(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, node string) *fwk.Status {
	a := attemptOf(state)
	if a == nil || !a.world.hasUnbound() || p.allBound(pod) {
		return nil
	}
	d := a.decided(node)
	if d == nil { // Whoever knew that the node will do did not ask for the details.
		info, err := p.snapshot.NodeInfos().Get(node)
		if err != nil {
			return fwk.AsStatus(fmt.Errorf("reserving volumes on node %s: %w", node, err))
		}
		if status := p.decide(ctx, a, info.Node()); !status.IsSuccess() {
			return status
		}
		d = a.decided(node)
	}
	made, err := p.ledger.assume(d, node)
	if err != nil {
		metrics.VolumeStageErrors.WithLabelValues(metrics.VolumesAssumed).Inc()
		return fwk.AsStatus(fmt.Errorf("reserving volumes on node %s: %w", node, err))
	}
	a.promise = made
	return nil
}

// allBound reports whether somebody else has bound the claims meanwhile.
func (p *Plugin) allBound(pod *corev1.Pod) bool {
	claims, err := p.claimsOf(pod)
	if err != nil {
		return false
	}
	for _, claim := range claims {
		if !isBound(claim) {
			return false
		}
	}
	return true
}

// Unreserve takes back what was promised and not written.
func (p *Plugin) Unreserve(_ context.Context, state fwk.CycleState, _ *corev1.Pod, _ string) {
	if a := attemptOf(state); a != nil && a.promise != nil {
		p.ledger.takeBack(a.promise)
	}
}
