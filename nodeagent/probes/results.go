package probes

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Results are how often a probe of a container that runs was answered, since the container was first probed.
type Results struct {
	Pod               *corev1.Pod
	Container         string
	Kind              Kind
	Succeeded, Failed uint64
}

// count counts an answer.
func (r *Results) count(succeeded bool) {
	if succeeded {
		r.Succeeded++
	} else {
		r.Failed++
	}
}

// Results are those of all probes that have been asked, in the order of the pods' names.
func (m *Manager) Results() []Results {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []Results
	for _, workers := range m.workers {
		for _, w := range workers {
			for kind, results := range w.results {
				all = append(all, Results{w.target.Pod, w.target.Container.Name, kind, results.Succeeded, results.Failed})
			}
		}
	}
	slices.SortFunc(all, func(a, b Results) int {
		return cmp.Or(cmp.Compare(a.Pod.Namespace, b.Pod.Namespace), cmp.Compare(a.Pod.Name, b.Pod.Name),
			cmp.Compare(a.Container, b.Container), cmp.Compare(a.Kind, b.Kind))
	})
	return all
}
