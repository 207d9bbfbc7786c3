package podgc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

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

// TestLostPodsGo lets random nodes and pods come and go, under both namings: no pod is deleted that has a node, and in
// the end none is left without one.
func TestLostPodsGo(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{Loop()},
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
	if !ok || wrote.By != "pod-garbage-collector-controller" || wrote.Verb != "delete" {
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
	for _, p := range looptest.All[*ocorev1.Pod](w) {
		exists := slices.ContainsFunc(nodes, func(n *ocorev1.Node) bool { return n.Name == p.Spec.NodeName })
		if p.Spec.NodeName != "" && !exists {
			wrong = append(wrong, fmt.Errorf("pod %s is on node %s, which does not exist", p.Name, p.Spec.NodeName))
		}
		if p.Spec.NodeName == "" && p.DeletionTimestamp != nil {
			wrong = append(wrong, fmt.Errorf("pod %s is deleted and has no node", p.Name))
		}
	}
	return errors.Join(wrong...)
}
