package podgc

import (
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func pod(changes ...func(*ocorev1.Pod)) *ocorev1.Pod {
	p := &ocorev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning},
	}
	for _, change := range changes {
		change(p)
	}
	return p
}

func on(node string) func(*ocorev1.Pod) { return func(p *ocorev1.Pod) { p.Spec.NodeName = node } }

func in(phase corev1.PodPhase) func(*ocorev1.Pod) {
	return func(p *ocorev1.Pod) { p.Status.Phase = phase }
}

func terminating(grace int64) func(*ocorev1.Pod) {
	return func(p *ocorev1.Pod) {
		at := metav1.NewTime(gen.Now)
		p.DeletionTimestamp, p.DeletionGracePeriodSeconds = &at, &grace
	}
}

func TestPlan(t *testing.T) {
	missedFor := func(d time.Duration) time.Time { return gen.Now.Add(-d) }
	for _, test := range []struct {
		name  string
		pod   *ocorev1.Pod
		world world
		want  string
	}{
		{"leaves a pod of a node that exists alone", pod(on("a")), world{}, "nothing to do"},
		{"leaves a pod alone that has no node yet", pod(in(corev1.PodPending)), world{}, "nothing to do"},
		{
			"waits for a node that is missed",
			pod(on("a")), world{missed: missedFor(10 * time.Second)},
			"nothing to do\nlook again in 30s: node a has been missed for 40s then",
		},
		{
			"fails and deletes a pod whose node is gone",
			pod(on("a")), world{missed: missedFor(time.Minute), gone: true},
			`status Pod default/web {"status":{"conditions":[{"lastProbeTime":null,"lastTransitionTime":"2030-01-02T03:04:05Z","message":"PodGC: node no longer exists","reason":"DeletionByPodGC","status":"True","type":"DisruptionTarget"}],"phase":"Failed"}}
delete Pod default/web: node a does not exist`,
		},
		{
			"deletes one that has ended as it is",
			pod(on("a"), in(corev1.PodSucceeded)), world{missed: missedFor(time.Minute), gone: true},
			"delete Pod default/web: node a does not exist",
		},
		{
			"ends a deleted pod that never had a node",
			pod(in(corev1.PodPending), terminating(30)), world{},
			"status Pod default/web {\"status\":{\"phase\":\"Failed\"}}\ndelete Pod default/web: it is deleted, and no node runs it",
		},
		{"leaves a deleted pod to its node", pod(on("a"), terminating(30)), world{}, "nothing to do"},
		{
			"ends a deleted pod of a node out of service",
			pod(on("a"), terminating(30)), world{outOfService: true},
			"status Pod default/web {\"status\":{\"phase\":\"Failed\"}}\ndelete Pod default/web: it is deleted, and node a is out of service",
		},
		{"leaves a pod of a node out of service alone that nobody deleted", pod(on("a")), world{outOfService: true}, "nothing to do"},
		{"does not delete again what only finalizers hold", pod(in(corev1.PodFailed), terminating(0)), world{}, "nothing to do"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := (Controller{}).Plan(test.pod, test.world, gen.Now).String(); got != test.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestOutOfService(t *testing.T) {
	out := gen.Tainted(corev1.TaintNodeOutOfService, corev1.TaintEffectNoExecute, time.Minute)
	for _, test := range []struct {
		name string
		node *ocorev1.Node
		want bool
	}{
		{"a node that is not ready and has the taint is", gen.Node("a", gen.NodeUnknown, out), true},
		{"one that is ready is not, whatever its taints", gen.Node("a", gen.NodeReady, out), false},
		{"one that is not ready may come back", gen.Node("a", gen.NodeUnknown), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := outOfService(test.node); got != test.want {
				t.Errorf("it is %t, want %t", got, test.want)
			}
		})
	}
}
