package podgc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var noon = time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)

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

func going(grace int64) func(*ocorev1.Pod) {
	return func(p *ocorev1.Pod) {
		at := metav1.NewTime(noon)
		p.DeletionTimestamp, p.DeletionGracePeriodSeconds = &at, &grace
	}
}

func TestPlan(t *testing.T) {
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
			pod(on("a")), world{missing: noon.Add(-10 * time.Second)},
			"nothing to do\nlook again in 30s: node a has been missed for long enough then",
		},
		{
			"fails and deletes a pod whose node is gone",
			pod(on("a")), world{missing: noon.Add(-time.Minute), gone: true},
			`status Pod default/web {"status":{"conditions":[{"lastProbeTime":null,"lastTransitionTime":"2026-01-01T12:00:00Z","message":"PodGC: node no longer exists","reason":"DeletionByPodGC","status":"True","type":"DisruptionTarget"}],"phase":"Failed"}}
delete Pod default/web: node a does not exist`,
		},
		{
			"deletes one that has ended as it is",
			pod(on("a"), in(corev1.PodSucceeded)), world{missing: noon.Add(-time.Minute), gone: true},
			"delete Pod default/web: node a does not exist",
		},
		{
			"ends a deleted pod that never had a node",
			pod(in(corev1.PodPending), going(30)), world{},
			"status Pod default/web {\"status\":{\"phase\":\"Failed\"}}\ndelete Pod default/web: it is deleted, and no node runs it",
		},
		{"leaves a deleted pod to its node", pod(on("a"), going(30)), world{}, "nothing to do"},
		{
			"ends a deleted pod of a node out of service",
			pod(on("a"), going(30)), world{outOfService: true},
			"status Pod default/web {\"status\":{\"phase\":\"Failed\"}}\ndelete Pod default/web: it is deleted, and node a is out of service",
		},
		{"leaves a pod of a node out of service alone that nobody deleted", pod(on("a")), world{outOfService: true}, "nothing to do"},
		{"does not delete again what only finalizers hold", pod(in(corev1.PodFailed), going(0)), world{}, "nothing to do"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := (controller{Options{Ended: 1}}).Plan(test.pod, test.world, noon).String(); got != test.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestTheOldestGoFirst(t *testing.T) {
	ended := func(name string, age time.Duration, reason string) ocorev1.Pod {
		return *pod(in(corev1.PodFailed), func(p *ocorev1.Pod) {
			p.Name, p.CreationTimestamp, p.Status.Reason = name, metav1.NewTime(noon.Add(-age)), reason
		})
	}
	pods := []ocorev1.Pod{ended("new", time.Second, ""), ended("old", time.Hour, ""), ended("evicted", time.Minute, "Evicted"), ended("older", 2*time.Hour, "")}
	var got []string
	for _, obj := range oldest(pods, 3) {
		got = append(got, obj.GetName())
	}
	if want := []string{"evicted", "older", "old"}; !slices.Equal(got, want) {
		t.Errorf("first go %v, want %v", got, want)
	}
}

// TestLostPodsGo lets random nodes and pods come and go, under both namings: no pod is deleted that has a node, unless it
// has ended and there are too many; and in the end none is left without a node, and no more than may be.
func TestLostPodsGo(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{Loop(Options{Ended: 2})},
			Start:  someNodesAndPods,
			Prepare: func(w *looptest.World) {
				w.Graceful = func(obj client.Object) bool { _, ok := obj.(*ocorev1.Pod); return ok }
			},
			Change:     change,
			Invariants: []looptest.Invariant{keepsWhatRuns},
			Converged:  noneIsLost,
		})
	})
}

func someNodesAndPods(t *rapid.T) []client.Object {
	objs := []client.Object{&ocorev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, &ocorev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "b"}}}
	for i := range rapid.IntRange(0, 6).Draw(t, "pods") {
		p := pod(on(rapid.SampledFrom([]string{"", "a", "b", "gone"}).Draw(t, "node")),
			in(rapid.SampledFrom([]corev1.PodPhase{corev1.PodRunning, corev1.PodSucceeded, corev1.PodFailed}).Draw(t, "phase")))
		p.Name = fmt.Sprintf("p%d", i)
		objs = append(objs, p)
	}
	return objs
}

func change(t *rapid.T, w *looptest.World) {
	user := w.Client("user")
	nodes, pods := looptest.All[*ocorev1.Node](w), looptest.All[*ocorev1.Pod](w)
	var err error
	switch what := rapid.IntRange(0, 2).Draw(t, "what"); {
	case what == 0 && len(nodes) > 0:
		err = user.Delete(context.Background(), nodes[0].DeepCopy())
	case what == 1 && len(nodes) < 2:
		err = user.Create(context.Background(), &ocorev1.Node{ObjectMeta: metav1.ObjectMeta{Name: []string{"a", "gone"}[len(nodes)]}})
	case what == 2 && len(pods) > 0:
		err = user.Delete(context.Background(), pods[rapid.IntRange(0, len(pods)-1).Draw(t, "pod")].DeepCopy())
	}
	if client.IgnoreAlreadyExists(client.IgnoreNotFound(err)) != nil {
		t.Fatal(err)
	}
}

func keepsWhatRuns(w *looptest.World, wrote looptest.Write) error {
	p, ok := wrote.Before.(*ocorev1.Pod)
	if !ok || wrote.By != "podgc" || wrote.Verb != "delete" || ended(p) && p.Status.Reason == "" {
		return nil
	}
	exists := slices.ContainsFunc(looptest.All[*ocorev1.Node](w), func(n *ocorev1.Node) bool { return n.Name == p.Spec.NodeName })
	if exists || p.Spec.NodeName == "" && p.DeletionTimestamp == nil {
		return fmt.Errorf("pod %s runs on node %q", p.Name, p.Spec.NodeName)
	}
	return nil
}

func noneIsLost(w *looptest.World) error {
	nodes := looptest.All[*ocorev1.Node](w)
	var wrong []error
	done := 0
	for _, p := range looptest.All[*ocorev1.Pod](w) {
		exists := slices.ContainsFunc(nodes, func(n *ocorev1.Node) bool { return n.Name == p.Spec.NodeName })
		if p.Spec.NodeName != "" && !exists {
			wrong = append(wrong, fmt.Errorf("pod %s is on node %s, which does not exist", p.Name, p.Spec.NodeName))
		}
		if p.Spec.NodeName == "" && p.DeletionTimestamp != nil {
			wrong = append(wrong, fmt.Errorf("pod %s is deleted and has no node", p.Name))
		}
		if ended(p) {
			done++
		}
	}
	if done > 2 {
		wrong = append(wrong, fmt.Errorf("%d pods have ended", done))
	}
	return errors.Join(wrong...)
}
