package host

import (
	"context"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/status"
)

// Assigned implements pods.Host.
func (h *Host) Assigned(pod *corev1.Pod) bool {
	return h.Assignments == nil || h.Assignments.Assigned(pod)
}

// Assign implements pods.Host.
func (h *Host) Assign(ctx context.Context, pod *corev1.Pod) *status.Failure {
	if h.Assignments == nil {
		return nil
	}
	return h.Assignments.Assign(ctx, pod)
}

// PrepareClaims implements pods.Host.
func (h *Host) PrepareClaims(ctx context.Context, pod *corev1.Pod) error {
	if h.Claims == nil {
		return nil
	}
	return h.Claims.Prepare(ctx, pod)
}

// Health implements pods.Host.
func (h *Host) Health(pod *corev1.Pod) map[string][]corev1.ResourceStatus {
	if h.Assignments == nil {
		return nil
	}
	return h.Assignments.Health(pod)
}
