package eviction

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/nodeagent/stats"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// World is all that a decision needs.
type World struct {
	config
	// Node is how the node is, and Layout how its disks are. Nil: the pods that were evicted last are still waited for.
	Node   *statsv1alpha1.NodeStats
	Layout stats.Layout
	// Pods are those that have not ended.
	Pods []*corev1.Pod
	// Measured is what they use. It was read only if a threshold was due then.
	Measured map[types.UID]*statsv1alpha1.PodStats
	// Exceeded are the pods that use more of the disk than they may, with the sentences that say so.
	Exceeded map[types.UID]string
	// Ending are those that were evicted and of which containers still run.
	Ending []types.UID
	Memory Memory
}

// Observe measures the node, and pods as far as they matter.
func (m *Manager) Observe(ctx context.Context, look engine.Look, key engine.One) (World, error) {
	w := World{config: m.config, Pods: m.active()}
	w.Memory, _ = look.Remembered(key).(Memory)
	for _, uid := range w.Memory.Evicted {
		if !m.Ended(uid) {
			w.Ending = append(w.Ending, uid)
		}
	}
	if len(w.Ending) > 0 && look.Now().Sub(w.Memory.At) < podCleanupTimeout {
		return w, nil
	}
	var err error
	if w.Exceeded, err = m.exceeded(ctx, w.Pods); err != nil {
		return World{}, err
	}
	if w.Node, w.Layout, err = m.Stats.NodeStats(ctx); err != nil {
		return World{}, fmt.Errorf("measuring the node: %w", err)
	}
	if d := newDecision(&w, look.Now()); len(d.due) == 0 {
		return w, nil
	}
	measured, err := m.Stats.Summary(ctx)
	if err != nil {
		return World{}, fmt.Errorf("measuring pods: %w", err)
	}
	w.Measured = map[types.UID]*statsv1alpha1.PodStats{}
	for i := range measured.Pods {
		w.Measured[types.UID(measured.Pods[i].PodRef.UID)] = &measured.Pods[i]
	}
	return w, nil
}

// active are the pods that may use something.
func (m *Manager) active() (found []*corev1.Pod) {
	for _, pod := range m.Pods() {
		if !status.Terminal(pod.Status.Phase) {
			found = append(found, pod)
		}
	}
	return found
}
