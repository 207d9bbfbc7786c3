package assignments

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/cpus"
	"github.com/orrery-dev/orrery/nodeagent/memory"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// Infeasible says why a pod cannot be resized, whatever there is room for; "" if it can: who has CPUs or memory for themselves, or might, keeps as much.
func (m *Manager) Infeasible(wanted, allocated *corev1.Pod) string {
	switch {
	case status.QOSClass(&wanted.Spec) != corev1.PodQOSGuaranteed:
		return ""
	case m.CPUs != nil && differ(wanted, allocated, corev1.ResourceCPU):
		return fmt.Sprintf("Resize is infeasible for Guaranteed Pods alongside CPU Manager policy %q", cpus.Static)
	case m.Memory != nil && differ(wanted, allocated, corev1.ResourceMemory):
		return fmt.Sprintf("Resize is infeasible for Guaranteed Pods alongside Memory Manager policy %q", memory.Static)
	default:
		return ""
	}
}

// differ says whether a container asks for another amount in one of two versions of a pod.
func differ(a, b *corev1.Pod, name corev1.ResourceName) bool {
	before := containers(b)
	for i, spec := range containers(a) {
		now, was := spec.Resources.Requests[name], before[i].Resources.Requests[name]
		if now.Cmp(was) != 0 {
			return true
		}
	}
	return false
}
