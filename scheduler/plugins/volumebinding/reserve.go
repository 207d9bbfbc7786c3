package volumebinding

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/metrics"
)

// Reserve assumes what was decided for the pod and the node.
func (p *Plugin) Reserve(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, node string) *fwk.Status {
	a := attemptOf(state)
	if a == nil || !a.claims.hasUnbound() || p.allBound(pod) {
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
	made, err := p.assumed.assumePodVolumes(d, node)
	if err != nil {
		metrics.VolumeStageErrors.WithLabelValues(metrics.VolumesAssumed).Inc()
		return fwk.AsStatus(fmt.Errorf("reserving volumes on node %s: %w", node, err))
	}
	a.volumes = made
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

// Unreserve forgets what was assumed and not written.
func (p *Plugin) Unreserve(_ context.Context, state fwk.CycleState, _ *corev1.Pod, _ string) {
	if a := attemptOf(state); a != nil && a.volumes != nil {
		p.assumed.revertAssumedPodVolumes(a.volumes)
	}
}
