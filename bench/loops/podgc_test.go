package loops

import (
	"context"
	"fmt"
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/core/podgc"
	"github.com/orrery-dev/orrery/controllers/core/terminatedpodgc"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// BenchmarkTerminatedPods converges on pods that have ended, of which as many are kept as the threshold says: with one pass for
// all of them, and, as it was until then, with each pod's pass counting them all. The loop that looks at each pod and its node
// makes its passes in both. With ten thousand pods the second takes minutes, and is left out with -short.
func BenchmarkTerminatedPods(b *testing.B) {
	for _, pods := range []int{1000, 10000} {
		for _, threshold := range []int{12500, 100} {
			b.Run(fmt.Sprintf("pods=%d/threshold=%d/one pass for all", pods, threshold), func(b *testing.B) {
				for b.Loop() {
					terminated := terminatedpodgc.Loop(terminatedpodgc.Options{Threshold: threshold})
					c := newPodCache(b, pods, terminated)
					passes(b, c, terminated, loop.All)
					passes(b, c, podgc.Loop(), c.keys()...)
					converged(b, c, min(pods, threshold))
				}
			})
			b.Run(fmt.Sprintf("pods=%d/threshold=%d/one pass for each", pods, threshold), func(b *testing.B) {
				if testing.Short() && pods > 1000 {
					b.Skip("it takes minutes")
				}
				for b.Loop() {
					each := loop.New("each", eachForItself{threshold}, loop.Indexes(&ocorev1.Pod{}, phase, indexPhase))
					c := newPodCache(b, pods, each)
					passes(b, c, each, c.keys()...)
					passes(b, c, podgc.Loop(), c.keys()...)
					converged(b, c, min(pods, threshold))
				}
			})
		}
	}
}

// passes makes one pass for each key.
func passes(b *testing.B, c *podCache, l loop.Loop, keys ...client.ObjectKey) {
	b.Helper()
	r := l.Reconciler(loop.Cluster{Client: c})
	for _, key := range keys {
		pass(b, r, key)
	}
}

func pass(b *testing.B, r loop.Reconciler, key client.ObjectKey) {
	b.Helper()
	if _, err := r.Reconcile(b.Context(), reconcile.Request{NamespacedName: key}); err != nil {
		b.Fatal(err)
	}
}

func converged(b *testing.B, c *podCache, want int) {
	b.Helper()
	if have := len(c.pods.ListKeys()); have != want {
		b.Fatalf("%d pods are left, want %d", have, want)
	}
}

// eachForItself counts all pods that have ended from the pass of each.
type eachForItself struct{ threshold int }

const phase = "phase"

func indexPhase(obj client.Object) []string {
	return []string{string(obj.(*ocorev1.Pod).Status.Phase)}
}

func (eachForItself) Observe(ctx context.Context, view loop.View, _ *ocorev1.Pod) ([]ocorev1.Pod, error) {
	var pods ocorev1.PodList
	err := view.List(ctx, &pods, client.MatchingFields{phase: string(corev1.PodSucceeded)}, client.UnsafeDisableDeepCopy)
	return pods.Items, err
}

func (e eachForItself) Plan(_ *ocorev1.Pod, ended []ocorev1.Pod, _ time.Time) *plan.Plan {
	p := plan.New()
	if surplus := len(ended) - e.threshold; surplus > 0 {
		going := make([]client.Object, surplus)
		for i := range going {
			going[i] = &ended[i]
		}
		p.Delete("too many have ended", going...)
	}
	return p
}
