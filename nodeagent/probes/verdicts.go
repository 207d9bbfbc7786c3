package probes

import "k8s.io/apimachinery/pkg/types"

// Verdicts returns the verdicts about the running containers of a pod by container ID, as Sync would, and changes nothing.
func (m *Manager) Verdicts(pod types.UID, running []Target) map[string]Verdict {
	m.mu.Lock()
	defer m.mu.Unlock()
	verdicts := make(map[string]Verdict, len(running))
	for _, target := range running {
		w := m.watched[pod][target.ID]
		if w == nil {
			w = newWatch(target)
		}
		verdicts[target.ID] = Judge(target.Container, w.counters)
	}
	return verdicts
}
