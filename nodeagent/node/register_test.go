package node

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/nodeagent/simulated"
)

// Who was not heard of is said to be unknown by others. Nothing about the node itself has changed when it is back.
func TestANodeContradictsWhatOthersSayOfIt(t *testing.T) {
	server := newServer(t, interceptor.Funcs{})
	rt := simulated.New(simulated.Options{})
	beat := &Heartbeat{Name: "n", Client: server, Runtime: rt, Clock: clock.RealClock{}, Observed: Observed{Name: "n"}}
	if err := beat.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	readiness := func() *corev1.NodeCondition {
		t.Helper()
		if err := beat.UpdateStatus(t.Context()); err != nil {
			t.Fatal(err)
		}
		var node ocorev1.Node
		if err := server.Get(t.Context(), client.ObjectKey{Name: "n"}, &node); err != nil {
			t.Fatal(err)
		}
		for i := range node.Status.Conditions {
			if node.Status.Conditions[i].Type == corev1.NodeReady {
				return &node.Status.Conditions[i]
			}
		}
		t.Fatal("the node says nothing of its readiness")
		return nil
	}
	if at := readiness(); at.Status != corev1.ConditionTrue {
		t.Fatalf("the node is ready: %s (%s), want True", at.Status, at.Message)
	}

	var node ocorev1.Node
	if err := server.Get(t.Context(), client.ObjectKey{Name: "n"}, &node); err != nil {
		t.Fatal(err)
	}
	for i := range node.Status.Conditions {
		node.Status.Conditions[i].Status = corev1.ConditionUnknown
	}
	if err := server.Status().Update(t.Context(), &node); err != nil {
		t.Fatal(err)
	}
	if at := readiness(); at.Status != corev1.ConditionTrue || time.Since(at.LastTransitionTime.Time) > time.Minute {
		t.Errorf("after others said Unknown the node is ready: %s since %s, want True since now", at.Status, at.LastTransitionTime)
	}
}
