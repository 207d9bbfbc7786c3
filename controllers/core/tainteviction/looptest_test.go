package tainteviction

import (
	"errors"
	"fmt"
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

// TestPodsLeaveTaintedNodes taints and clears nodes at random, under both namings: no pod goes before its time, and in
// the end none is left on a node that it does not tolerate for ever.
func TestPodsLeaveTaintedNodes(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme:     scheme,
			Loops:      []loop.Loop{Loop()},
			Start:      someNodesAndPods,
			Change:     taintOrClear,
			Invariants: []looptest.Invariant{neverTooSoon},
			Converged:  noneIsLeft,
		})
	})
}

func someNodesAndPods(t *rapid.T) []client.Object {
	objs := []client.Object{&ocorev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, &ocorev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "b"}}}
	for i := range rapid.IntRange(0, 5).Draw(t, "pods") {
		p := pod(rapid.SampledFrom([][]corev1.Toleration{nil, {tolerates("x")}, {tolerates("x", 30)}, {tolerates("", 5)}}).Draw(t, "tolerates")...)
		p.Name, p.Spec.NodeName = fmt.Sprintf("p%d", i), rapid.SampledFrom([]string{"a", "b", ""}).Draw(t, "node")
		objs = append(objs, p)
	}
	return objs
}

// taintOrClear taints a node or takes its taints away. Some taints do not say when they were added.
func taintOrClear(t *rapid.T, w *looptest.World) {
	name := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "node")
	key := rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "taint")
	dated := rapid.Bool().Draw(t, "dated")
	looptest.Edit(w, "user", &ocorev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}, func(n *ocorev1.Node) {
		n.Spec.Taints = nil
		if key == "" {
			return
		}
		added := corev1.Taint{Key: key, Effect: corev1.TaintEffectNoExecute}
		if dated {
			now := metav1.NewTime(w.Now())
			added.TimeAdded = &now
		}
		n.Spec.Taints = []corev1.Taint{added}
	})
}

// neverTooSoon is the invariant that a pod is deleted only when what it tolerates for ever is not all. That its node was
// cleared a moment ago the loop may not have seen.
func neverTooSoon(_ *looptest.World, wrote looptest.Write) error {
	p, ok := wrote.Before.(*ocorev1.Pod)
	if !ok || wrote.By != "taint-eviction-controller" || wrote.Verb != "delete" {
		return nil
	}
	if p.Spec.NodeName == "" {
		return errors.New("the pod has no node")
	}
	if len(p.Status.Conditions) == 0 {
		return errors.New("the pod does not say that it is disrupted")
	}
	return nil
}

func noneIsLeft(w *looptest.World) error {
	for _, p := range looptest.All[*ocorev1.Pod](w) {
		for _, n := range looptest.All[*ocorev1.Node](w) {
			if n.Name != p.Spec.NodeName {
				continue
			}
			for _, t := range n.Spec.Taints {
				if _, forever := toleration(p, t); !forever {
					return fmt.Errorf("pod %s is still on node %s with the taint %s", p.Name, n.Name, t.ToString())
				}
			}
		}
	}
	return nil
}
