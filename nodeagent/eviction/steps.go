package eviction

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/pods"
)

// setConditions has the node say which conditions hold.
type setConditions struct{ now, before []corev1.NodeConditionType }

func (s *setConditions) Verb() string { return "set" }
func (s *setConditions) String() string {
	if len(s.now) == 0 {
		return "say that the node is under no pressure"
	}
	return "say that the node has " + names(s.now)
}
func (s *setConditions) Why() string { return "" }
func (s *setConditions) Idle() bool  { return slices.Equal(s.now, s.before) }

// Do never fails.
func (s *setConditions) Do(_ context.Context, m *Manager) error {
	m.set(s.now)
	return nil
}

func names(conditions []corev1.NodeConditionType) string {
	var words []string
	for _, c := range conditions {
		words = append(words, string(c))
	}
	return strings.Join(words, ", ")
}

// recordReclaim says that something is being reclaimed.
type recordReclaim struct{ resource corev1.ResourceName }

func (s *recordReclaim) Verb() string { return "event" }
func (s *recordReclaim) String() string {
	return fmt.Sprintf("record event EvictionThresholdMet: Attempting to reclaim %s", s.resource)
}
func (s *recordReclaim) Why() string { return "" }

// Do never fails.
func (s *recordReclaim) Do(_ context.Context, m *Manager) error {
	m.NodeEvent(corev1.EventTypeWarning, "EvictionThresholdMet", fmt.Sprintf("Attempting to reclaim %s", s.resource))
	return nil
}

// reclaimNode gives up what the node can do without.
type reclaimNode struct {
	what reclaimable
	why  string
}

func (s *reclaimNode) Verb() string { return "reclaim" }
func (s *reclaimNode) String() string {
	switch {
	case s.what.containers && s.what.images:
		return "remove the containers of pods that are over, and images that nobody uses"
	case s.what.containers:
		return "remove the containers of pods that are over"
	default:
		return "remove images that nobody uses"
	}
}
func (s *reclaimNode) Why() string { return s.why }

func (s *reclaimNode) Do(ctx context.Context, m *Manager) error {
	var containers, images error
	if s.what.containers {
		containers = m.Reclaim.DeleteAllUnusedContainers(ctx)
	}
	if s.what.images {
		images = m.Reclaim.DeleteUnusedImages(ctx)
	}
	if err := errors.Join(containers, images); err != nil {
		return fmt.Errorf("reclaiming what the node can do without: %w", err)
	}
	return nil
}

// evictPod evicts a pod.
type evictPod struct {
	pod         *corev1.Pod
	grace       time.Duration
	message     string
	annotations map[string]string
	// disrupts: the pod gets the condition DisruptionTarget.
	disrupts bool
	// signal is what the node is short of; "" if the pod is evicted for limits of its own.
	signal Signal
	why    string
}

func (s *evictPod) Verb() string { return "evict" }
func (s *evictPod) String() string {
	return fmt.Sprintf("evict pod %s/%s with %s of grace", s.pod.Namespace, s.pod.Name, s.grace)
}
func (s *evictPod) Why() string { return strings.TrimSpace(s.why) }

// Do never fails. A pod that has failed meanwhile is not evicted.
func (s *evictPod) Do(_ context.Context, m *Manager) error {
	if m.Evict(s.pod.UID, pods.Eviction{Message: s.message, Grace: s.grace, Disrupts: s.disrupts}) {
		m.PodEvent(s.pod, s.annotations, corev1.EventTypeWarning, Reason, s.message)
	}
	return nil
}
