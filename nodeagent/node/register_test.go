package node

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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

func TestANodeThatIsThereKeepsOthersTaintsAndGetsOurs(t *testing.T) {
	others := corev1.Taint{Key: "example.com/broken", Effect: corev1.TaintEffectNoSchedule}
	ours := corev1.Taint{Key: "orrery.dev/simulated", Effect: corev1.TaintEffectNoSchedule}
	for name, c := range map[string]struct{ present, chosen, want []corev1.Taint }{
		"ours is added":            {[]corev1.Taint{others}, []corev1.Taint{ours}, []corev1.Taint{others, ours}},
		"ours stays":               {[]corev1.Taint{ours, others}, []corev1.Taint{ours}, []corev1.Taint{ours, others}},
		"ours is taken away":       {[]corev1.Taint{others, ours}, nil, []corev1.Taint{others}},
		"there are none":           {nil, nil, nil},
		"what is not ours is kept": {[]corev1.Taint{others}, nil, []corev1.Taint{others}},
	} {
		t.Run(name, func(t *testing.T) {
			server := newServer(t, interceptor.Funcs{})
			there := &ocorev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n"}, Spec: corev1.NodeSpec{Taints: c.present}}
			if err := server.Create(t.Context(), there); err != nil {
				t.Fatal(err)
			}
			beat := &Heartbeat{
				Name: "n", Client: server, Runtime: simulated.New(simulated.Options{}), Clock: clock.RealClock{},
				Observed: Observed{Name: "n"}, Taints: c.chosen, OwnTaints: []string{ours.Key},
			}
			if err := beat.Register(t.Context()); err != nil {
				t.Fatal(err)
			}
			node := &ocorev1.Node{}
			if err := server.Get(t.Context(), client.ObjectKey{Name: "n"}, node); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(node.Spec.Taints, c.want) {
				t.Errorf("the taints are %v, want %v", node.Spec.Taints, c.want)
			}
		})
	}
}
