package tainteviction

import (
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// A taint without a time counts from when it was first seen. It is another one after it was taken off, also where no pass came
// in between.
func TestATaintWithoutATimeCountsAnew(t *testing.T) {
	undated := []corev1.Taint{{Key: "x", Effect: corev1.TaintEffectNoExecute}}
	for _, test := range []struct {
		name string
		// happens is what becomes of the node between two passes, of which the second is 20 s after the first.
		happens func(t *testing.T, w *looptest.World, node *ocorev1.Node)
		want    time.Duration
	}{
		{"not when nothing happens", func(*testing.T, *looptest.World, *ocorev1.Node) {}, 10 * time.Second},
		{"not when the node posts its status", func(_ *testing.T, w *looptest.World, node *ocorev1.Node) {
			looptest.Edit(w, "agent", node, func(n *ocorev1.Node) { n.Status.Phase = corev1.NodeRunning })
		}, 10 * time.Second},
		{"when it was taken off and put back", func(_ *testing.T, w *looptest.World, node *ocorev1.Node) {
			looptest.Edit(w, "user", node, func(n *ocorev1.Node) { n.Spec.Taints = nil })
			looptest.Edit(w, "user", node, func(n *ocorev1.Node) { n.Spec.Taints = undated })
		}, 30 * time.Second},
		{"when the node was replaced", func(t *testing.T, w *looptest.World, node *ocorev1.Node) {
			if err := w.Client("user").Delete(t.Context(), node.DeepCopy()); err != nil {
				t.Fatal(err)
			}
			again := &ocorev1.Node{ObjectMeta: metav1.ObjectMeta{Name: node.Name}, Spec: corev1.NodeSpec{Taints: undated}}
			if err := w.Client("user").Create(t.Context(), again); err != nil {
				t.Fatal(err)
			}
		}, 30 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
				w := looptest.NewWorld(scheme)
				node := &ocorev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: corev1.NodeSpec{Taints: undated}}
				for _, obj := range []client.Object{node, pod(tolerates("x", 30))} {
					if err := w.Client("user").Create(t.Context(), obj); err != nil {
						t.Fatal(err)
					}
				}
				clock := testingclock.NewFakeClock(gen.Now)
				loop := Loop().Reconciler(loop.Cluster{Client: w.Client("loop"), Clock: clock})
				request := reconcile.Request{NamespacedName: client.ObjectKey{Namespace: "default", Name: "web"}}
				if _, err := loop.Reconcile(t.Context(), request); err != nil {
					t.Fatal(err)
				}
				test.happens(t, w, node)
				clock.Step(20 * time.Second)
				result, err := loop.Reconcile(t.Context(), request)
				if err != nil || result.RequeueAfter != test.want {
					t.Errorf("the pod is looked at again in %s, %v, want %s", result.RequeueAfter, err, test.want)
				}
			})
		})
	}
}
