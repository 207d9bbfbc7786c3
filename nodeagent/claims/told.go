package claims

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Claim is one that a container names, with what drivers have prepared of it, by their names.
type Claim struct {
	Namespace, Name string
	Devices         map[string][]Device
}

// Of are the claims that a container names, as far as they are known here, in the order of their names.
func (m *Manager) Of(pod *corev1.Pod, spec *corev1.Container) (all []Claim) {
	asked, err := m.requested(pod, spec)
	if err != nil {
		return nil // of which the pod itself tells
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		if c := m.find(pod.Namespace, name); c != nil {
			all = append(all, Claim{c.Namespace, c.Name, maps.Clone(c.Devices)})
		}
	}
	return all
}
