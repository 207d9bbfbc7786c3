package assignments

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/nodeagent/memory"
)

// GivenCPUs are those that a container has for itself.
func (m *Manager) GivenCPUs(pod types.UID, container string) []int {
	if m.CPUs == nil {
		return nil
	}
	return m.CPUs.Given(pod, container).List()
}

// AllocatableCPUs are those that there are to be given; none where all containers share all CPUs.
func (m *Manager) AllocatableCPUs() []int {
	if m.CPUs == nil {
		return nil
	}
	return m.CPUs.Allocatable().List()
}

// GivenMemory are the blocks of memory that a container has of certain nodes.
func (m *Manager) GivenMemory(pod types.UID, container string) []memory.Block {
	if m.Memory == nil {
		return nil
	}
	return m.Memory.Given(pod, container)
}

// AllocatableMemory are those that there are to be given; none where memory may be of any node.
func (m *Manager) AllocatableMemory() []memory.Block {
	if m.Memory == nil {
		return nil
	}
	return m.Memory.Allocatable()
}
