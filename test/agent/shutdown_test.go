package agent

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/nodeagent/shutdown"
)

// power is a machine that goes down when it is told to, and waits for whoever holds it back.
type power struct {
	shutdowns chan bool
	// held is by how many it is held back.
	held atomic.Int32
}

func (p *power) connect(context.Context) (shutdown.Inhibitor, error) { return p, nil }

func (p *power) Delay(context.Context) (time.Duration, error)    { return time.Hour, nil }
func (p *power) RaiseDelay(context.Context, time.Duration) error { return nil }
func (p *power) Shutdowns(context.Context) (<-chan bool, error)  { return p.shutdowns, nil }
func (p *power) Close() error                                    { return nil }
func (p *power) Inhibit(context.Context) (io.Closer, error) {
	p.held.Add(1)
	return hold{p}, nil
}

// hold holds the machine back until it is closed.
type hold struct{ power *power }

func (h hold) Close() error {
	h.power.held.Add(-1)
	return nil
}

func (w *cluster) goesDown(t *testing.T) {
	p := w.in(t)
	p.create("last", nil)
	p.ready("last")
	if held := w.power.held.Load(); held != 1 {
		t.Errorf("the machine is held back by %d", held)
	}
	w.power.shutdowns <- true
	p.nodeIs(corev1.ConditionFalse, "node is shutting down")
	pod := p.phase("last", corev1.PodFailed)
	if pod.Status.Reason != "Terminated" || pod.Status.Message != "Pod was terminated in response to imminent node shutdown." {
		t.Errorf("the pod has failed with %s: %s", pod.Status.Reason, pod.Status.Message)
	}
	if pod.Status.ContainerStatuses[0].State.Terminated == nil {
		t.Errorf("its container is %+v", pod.Status.ContainerStatuses[0].State)
	}
	await.Until(p.t, "nobody to hold the machine back", func() (string, bool) {
		held := w.power.held.Load()
		return fmt.Sprintf("held back by %d", held), held == 0
	})
	p.create("late", nil)
	if late := p.phase("late", corev1.PodFailed); late.Status.Reason != "NodeShutdown" {
		t.Errorf("a pod that comes late has failed with %s: %s", late.Status.Reason, late.Status.Message)
	}
	w.power.shutdowns <- false
	p.nodeIs(corev1.ConditionTrue, "kubelet is posting ready status")
	p.remove("last")
	p.remove("late")
}

// nodeIs waits until the node is ready, or is not, and says why.
func (w *cluster) nodeIs(ready corev1.ConditionStatus, message string) {
	w.t.Helper()
	await.Success(w.t, fmt.Sprintf("the node says %q", message), func() error {
		node, err := w.client.CoreV1().Nodes().Get(w.t.Context(), nodeName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, c := range node.Status.Conditions {
			if c.Type == corev1.NodeReady && (c.Status != ready || c.Message != message) {
				return fmt.Errorf("it is %s: %s", c.Status, c.Message)
			}
		}
		return nil
	})
}
