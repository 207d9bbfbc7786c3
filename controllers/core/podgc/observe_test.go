package podgc

import (
	"context"
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// lostNode is a world with one pod, on a node that does not exist, and the loop that looks at it.
type lostNode struct {
	*looptest.World
	clock *testingclock.FakeClock
	view  *looptest.View
	loop  loop.Reconciler
}

func newLostNode(t *testing.T, scheme *runtime.Scheme) *lostNode {
	w := looptest.NewWorld(scheme)
	c := &lostNode{World: w, clock: testingclock.NewFakeClock(gen.Now), view: w.NewView()}
	c.loop = Loop().Reconciler(loop.Cluster{Client: c.view.ClientOf("loop"), Live: w.Client("loop"), Clock: c.clock})
	if err := w.Client("user").Create(t.Context(), pod(on("a"))); err != nil {
		t.Fatal(err)
	}
	c.view.CatchUp()
	return c
}

// passAfter lets time go by and makes a pass, and says when the loop wants to look again.
func (c *lostNode) passAfter(t *testing.T, d time.Duration) time.Duration {
	t.Helper()
	c.clock.Step(d)
	key := client.ObjectKey{Namespace: "default", Name: "web"}
	result, err := c.loop.Reconcile(t.Context(), reconcile.Request{NamespacedName: key})
	if err != nil {
		t.Fatal(err)
	}
	return result.RequeueAfter
}

func (c *lostNode) nodeComes(t *testing.T) {
	t.Helper()
	if err := c.Client("agent").Create(t.Context(), &ocorev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "a"}}); err != nil {
		t.Fatal(err)
	}
}

func (c *lostNode) nodeGoes(t *testing.T) {
	t.Helper()
	if err := c.Client("agent").Delete(t.Context(), &ocorev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "a"}}); err != nil {
		t.Fatal(err)
	}
}

func TestANodeIsMissed(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		t.Run("for the whole time anew when it was in sight in between", func(t *testing.T) {
			c := newLostNode(t, scheme)
			c.passAfter(t, 0)
			c.nodeComes(t)
			c.view.CatchUp()
			c.passAfter(t, 30*time.Second)
			c.nodeGoes(t)
			c.view.CatchUp()
			if again := c.passAfter(t, time.Second); again != quarantine {
				t.Errorf("the pod is looked at again in %s, want %s", again, quarantine)
			}
		})
		t.Run("for the whole time anew when only the API server knows it", func(t *testing.T) {
			c := newLostNode(t, scheme)
			c.passAfter(t, 0)
			c.nodeComes(t)
			if again := c.passAfter(t, quarantine); again != quarantine {
				t.Errorf("the pod is looked at again in %s, want %s", again, quarantine)
			}
			if err := c.Client("user").Get(context.Background(), client.ObjectKey{Namespace: "default", Name: "web"}, &ocorev1.Pod{}); err != nil {
				t.Errorf("reading the pod: %v", err)
			}
		})
	})
}
