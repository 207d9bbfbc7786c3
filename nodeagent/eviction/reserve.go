package eviction

import (
	corev1 "k8s.io/api/core/v1"
)

// Reserved is what pods cannot be scheduled on, since they would be evicted before they had used it: memory and disk below the hard
// thresholds.
func (s Settings) Reserved(capacity corev1.ResourceList) (corev1.ResourceList, error) {
	thresholds, err := s.Thresholds()
	if err != nil {
		return nil, err
	}
	reserved := corev1.ResourceList{}
	for _, t := range thresholds {
		if name := t.Signal.resource(); t.Hard() && (t.Signal == memoryAvailable || t.Signal == nodeFsAvailable) {
			reserved[name] = t.Value.Of(capacity[name])
		}
	}
	return reserved, nil
}
