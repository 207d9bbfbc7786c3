package simulated

import (
	"context"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/probes"
)

var _ probes.Prober = (*Runtime)(nil)

// Probe succeeds, however it is asked, once the container has run for as long as its stages say.
func (r *Runtime) Probe(_ context.Context, target probes.Target, _ *corev1.Probe) error {
	return r.answer(target.ID)
}

// Run runs a lifecycle hook, which succeeds in a container that runs.
func (r *Runtime) Run(_ context.Context, _ *corev1.Pod, containerID string, _ *corev1.LifecycleHandler, _ []string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.containers[containerID]; !ok {
		return notFound(containerID)
	}
	return r.down
}
