package daemonset

import (
	"context"
	"fmt"
	"testing"

	"github.com/orrery-dev/orrery/apis"
	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/fakekubelet"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestDaemonSetsConverge lets nodes come, go and change, pods fail and be deleted, and the template change, under both namings: never
// more than one pod runs on a node, and in the end there is one of the newest revision on each node that fits.
func TestDaemonSetsConverge(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) { checkConverges(t, scheme, 1) })
}

// TestSurgingDaemonSetsConverge does so with a second pod on a node during a roll.
func TestSurgingDaemonSetsConverge(t *testing.T) {
	checkConverges(t, gen.Schemes(t)[apis.Kubernetes], 2, func(set *oappsv1.DaemonSet) {
		one, none := intstr.FromInt32(1), intstr.FromInt32(0)
		set.Spec.UpdateStrategy.RollingUpdate.MaxSurge, set.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable = &one, &none
	})
}

func checkConverges(t *testing.T, scheme *runtime.Scheme, most int, changes ...func(*oappsv1.DaemonSet)) {
	looptest.Check(t, looptest.Spec{
		CurrentLists: true, // as in our managers: see loop.NewInformer
		Scheme:       scheme,
		Loops:        []loop.Loop{Loop()},
		Start: func(*rapid.T) []client.Object {
			return []client.Object{gen.DaemonSet("web", changes...), gen.Node("a"), gen.Node("b"), gen.Node("c", gen.Tainted("example.com/mine", corev1.TaintEffectNoSchedule, 0))}
		},
		Prepare:     fakekubelet.DeletesGracefully,
		Change:      changeNodesOrPods,
		Environment: runOnItsNode,
		Invariants: []looptest.Invariant{func(w *looptest.World, wrote looptest.Write) error {
			if wrote.By != "daemonset-controller" || wrote.Verb != "create" {
				return nil
			}
			return noMoreThan(w, most)
		}},
		Converged: oneOnEachThatFits,
	})
}

// runOnItsNode starts a pod on the node that it is for, and then as any.
func runOnItsNode(w *looptest.World, pick func(n int) int) bool {
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		if pod.Spec.NodeName == "" && pod.DeletionTimestamp == nil && !replicas.Ended(pod) {
			looptest.Edit(w, "scheduler", pod, func(pod *ocorev1.Pod) { pod.Spec.NodeName, pod.Status.Phase = nodeOf(pod), corev1.PodRunning })
			return true
		}
	}
	return fakekubelet.Sync(w, pick)
}

func changeNodesOrPods(t *rapid.T, w *looptest.World) {
	user := w.Client("user")
	nodes, pods, set := looptest.All[*ocorev1.Node](w), looptest.All[*ocorev1.Pod](w), looptest.All[*oappsv1.DaemonSet](w)[0]
	var err error
	switch what := rapid.IntRange(0, 5).Draw(t, "what"); {
	case what == 0 && len(nodes) > 1:
		err = user.Delete(context.Background(), nodes[0].DeepCopy())
		for _, pod := range pods { // as the pod garbage collector does
			if nodeOf(pod) == nodes[0].Name {
				err = user.Delete(context.Background(), pod.DeepCopy(), client.GracePeriodSeconds(0))
			}
		}
	case what == 1:
		err = user.Create(context.Background(), &ocorev1.Node{ObjectMeta: metav1.ObjectMeta{Name: rapid.SampledFrom([]string{"a", "b", "d"}).Draw(t, "node")}})
	case what == 2:
		taints := [][]corev1.Taint{nil, {{Key: "example.com/mine", Effect: corev1.TaintEffectNoSchedule}}, {{Key: "example.com/mine", Effect: corev1.TaintEffectNoExecute}}}
		drawn := rapid.SampledFrom(taints).Draw(t, "taints")
		looptest.Edit(w, "user", nodes[len(nodes)-1], func(node *ocorev1.Node) { node.Spec.Taints = drawn })
	case what == 3:
		image := rapid.SampledFrom([]string{"web:1", "web:2", "web:3"}).Draw(t, "image")
		looptest.Edit(w, "user", set, func(set *oappsv1.DaemonSet) { set.Spec.Template.Spec.Containers[0].Image = image })
	case what == 4 && len(pods) > 0:
		err = user.Delete(context.Background(), pods[rapid.IntRange(0, len(pods)-1).Draw(t, "pod")].DeepCopy())
	case what == 5 && len(pods) > 0:
		looptest.Edit(w, "kubelet", pods[rapid.IntRange(0, len(pods)-1).Draw(t, "pod")], func(pod *ocorev1.Pod) { pod.Status.Phase = corev1.PodFailed })
	}
	if client.IgnoreAlreadyExists(client.IgnoreNotFound(err)) != nil {
		t.Fatal(err)
	}
}

func noMoreThan(w *looptest.World, most int) error {
	n := map[string]int{}
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		if replicas.Active(pod) {
			n[nodeOf(pod)]++
		}
	}
	for node, pods := range n {
		if pods > most {
			return fmt.Errorf("%d pods run on node %s", pods, node)
		}
	}
	return nil
}

func oneOnEachThatFits(w *looptest.World) error {
	set, pods := looptest.All[*oappsv1.DaemonSet](w)[0], map[string][]*ocorev1.Pod{}
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		pods[nodeOf(pod)] = append(pods[nodeOf(pod)], pod)
	}
	desired := int32(0)
	for _, node := range looptest.All[*ocorev1.Node](w) {
		run, keep := newFitting(set).fits(node)
		there := pods[node.Name]
		if run {
			desired++
		}
		if run && len(there) != 1 || !keep && len(there) > 0 || len(there) > 1 {
			return fmt.Errorf("%d pods are on node %s, which is to have one: %t, and may keep it: %t", len(there), node.Name, run, keep)
		}
		if run && (there[0].Spec.Containers[0].Image != set.Spec.Template.Spec.Containers[0].Image || !replicas.Ready(there[0])) {
			return fmt.Errorf("pod %s is of an old revision, or not ready", there[0].Name)
		}
	}
	if s := set.Status; s.DesiredNumberScheduled != desired || s.NumberReady != desired || s.NumberAvailable != desired || s.UpdatedNumberScheduled != desired || s.NumberUnavailable != 0 {
		return fmt.Errorf("%d nodes fit, and the status is %+v", desired, s)
	}
	return nil
}
