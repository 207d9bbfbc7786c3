package tainteviction

import (
	"errors"
	"fmt"
	"strings"
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

func tolerates(key string, seconds ...int64) corev1.Toleration {
	toleration := corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute}
	if len(seconds) > 0 {
		toleration.TolerationSeconds = &seconds[0]
	}
	return toleration
}

func pod(tolerations ...corev1.Toleration) *ocorev1.Pod {
	return &ocorev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"},
		Spec:       corev1.PodSpec{NodeName: "a", Tolerations: tolerations},
	}
}

func TestPlan(t *testing.T) {
	since := func(key string, age time.Duration) taint {
		return taint{corev1.Taint{Key: key, Effect: corev1.TaintEffectNoExecute}, noon.Add(-age)}
	}
	const evicts, nothing = "evicts", "nothing"
	for _, test := range []struct {
		name   string
		pod    *ocorev1.Pod
		taints []taint
		want   string
	}{
		{"without taints a pod stays", pod(), nil, nothing},
		{"a pod that does not tolerate a taint goes", pod(), []taint{since("x", 0)}, evicts},
		{"one that tolerates it stays for ever", pod(tolerates("x")), []taint{since("x", time.Hour)}, nothing},
		{"one that tolerates another goes", pod(tolerates("y")), []taint{since("x", 0)}, evicts},
		{"one that tolerates one of two goes", pod(tolerates("x")), []taint{since("x", 0), since("y", 0)}, evicts},
		{"one that tolerates it for a while waits", pod(tolerates("x", 300)), []taint{since("x", time.Minute)}, "4m0s"},
		{"and then goes", pod(tolerates("x", 300)), []taint{since("x", 5*time.Minute)}, evicts},
		{"the shortest of its tolerations counts", pod(tolerates("x", 300), tolerates("", 10), tolerates("x")), []taint{since("x", 5*time.Second)}, "5s"},
		{"the taint that ends first counts", pod(tolerates("", 60)), []taint{since("x", 0), since("y", 20*time.Second)}, "40s"},
		{"seconds below zero are none", pod(tolerates("x", -5)), []taint{since("x", 0)}, evicts},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := controller{}.Plan(test.pod, world{test.taints}, noon)
			got := nothing
			switch {
			case !p.Empty():
				got = evicts
			case p.Again() != nil:
				got = p.Again().After.String()
			}
			if got != test.want {
				t.Errorf("the plan is %s, want %s:\n%s", got, test.want, p)
			}
		})
	}
}

func TestAnEvictionSaysWhy(t *testing.T) {
	w := world{[]taint{{corev1.Taint{Key: "x", Effect: corev1.TaintEffectNoExecute}, noon}}}
	got := controller{}.Plan(pod(), w, noon).String()
	want := strings.Join([]string{
		`status Pod default/web {"status":{"conditions":[{"lastProbeTime":null,"lastTransitionTime":"2026-01-01T12:00:00Z","message":"Taint manager: deleting due to NoExecute taint","reason":"DeletionByTaintManager","status":"True","type":"DisruptionTarget"}]}}`,
		"event Normal TaintManagerEviction for Pod default/web: Marking for deletion Pod default/web",
		"delete Pod default/web: node a has the taint x:NoExecute, which is tolerated for 0s",
	}, "\n")
	if got != want {
		t.Errorf("the plan is\n%s\nwant\n%s", got, want)
	}
}

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
	if !ok || wrote.By != "tainteviction" || wrote.Verb != "delete" {
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
				if _, forever := patience(p, t); !forever {
					return fmt.Errorf("pod %s is still on node %s with the taint %s", p.Name, n.Name, t.ToString())
				}
			}
		}
	}
	return nil
}
