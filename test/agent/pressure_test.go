package agent

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/orrery-dev/orrery/internal/await"
)

// startAgentWith starts the agent anew with other thresholds: such that the machine as it is now is short of something.
func (w *cluster) startAgentWith(thresholds map[string]string) {
	w.t.Helper()
	w.stopAgent()
	before := w.options.Configuration
	w.options.Configuration = before.DeepCopy()
	w.options.Configuration.EvictionHard = thresholds
	w.startAgent()
	w.options.Configuration = before
}

func (w *cluster) shortOfMemory(t *testing.T) {
	p := w.in(t)
	p.create("greedy", nil)
	p.ready("greedy")
	w.startAgentWith(map[string]string{"memory.available": "99%"})
	pod := p.phase("greedy", corev1.PodFailed)
	if s := pod.Status; s.Reason != "Evicted" || !strings.HasPrefix(s.Message, "The node was low on resource: memory. Threshold quantity: ") ||
		!strings.Contains(s.Message, "Container web was using ") {
		t.Errorf("it ended because of %s: %s", s.Reason, s.Message)
	}
	disrupted := false
	for _, c := range pod.Status.Conditions {
		disrupted = disrupted || c.Type == corev1.DisruptionTarget && c.Reason == corev1.PodReasonTerminationByKubelet && c.Message == pod.Status.Message
	}
	if !disrupted {
		t.Errorf("its conditions are %+v", pod.Status.Conditions)
	}
	p.pressure(corev1.NodeMemoryPressure, corev1.ConditionTrue)
	p.create("late", nil)
	late := p.phase("late", corev1.PodFailed)
	if late.Status.Reason != "Evicted" || late.Status.Message != "Pod was rejected: The node had condition: [MemoryPressure]. " {
		t.Errorf("a pod that came then ended because of %s: %s", late.Status.Reason, late.Status.Message)
	}
	w.stopAgent()
	w.startAgent()
	p.pressure(corev1.NodeMemoryPressure, corev1.ConditionFalse)
	p.create("after", nil)
	p.ready("after")
	for _, name := range []string{"greedy", "late", "after"} {
		p.remove(name)
	}
}

// pressure waits for a condition of the node.
func (w *cluster) pressure(kind corev1.NodeConditionType, want corev1.ConditionStatus) {
	w.t.Helper()
	await.Success(w.t, fmt.Sprintf("the node has %s=%s", kind, want), func() error {
		node, err := w.client.CoreV1().Nodes().Get(w.t.Context(), nodeName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, c := range node.Status.Conditions {
			if c.Type == kind && c.Status == want {
				return nil
			}
		}
		return fmt.Errorf("it says %+v", node.Status.Conditions)
	})
}
