package staledisruption

import (
	"errors"
	"fmt"
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/podstatus"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestNobodyIsAboutToGoForEver lets pods be about to be disrupted, under both namings: none is for longer than it may, and nobody is
// called back early.
func TestNobodyIsAboutToGoForEver(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{Loop()},
			Start:  func(*rapid.T) []client.Object { return []client.Object{gen.Pod("a"), gen.Pod("b"), gen.Pod("c")} },
			Change: func(t *rapid.T, w *looptest.World) {
				pods := looptest.All[*ocorev1.Pod](w)
				pod := pods[rapid.IntRange(0, len(pods)-1).Draw(t, "pod")]
				reason := rapid.SampledFrom([]string{"EvictionByEvictionAPI", corev1.PodReasonTerminationByKubelet}).Draw(t, "reason")
				looptest.Edit(w, "evictor", pod, func(pod *ocorev1.Pod) { podstatus.Disrupt(pod, reason, "it has to go", w.Now()) })
			},
			Invariants: []looptest.Invariant{neverEarly},
			Converged: func(w *looptest.World) error {
				for _, pod := range looptest.All[*ocorev1.Pod](w) {
					if !since(pod).IsZero() {
						return fmt.Errorf("pod %s is still about to go", pod.Name)
					}
				}
				return nil
			},
		})
	})
}

func neverEarly(w *looptest.World, wrote looptest.Write) error {
	pod, ok := wrote.Before.(*ocorev1.Pod)
	if ok && wrote.By == "stale-disruption-controller" && w.Now().Before(since(pod).Add(patience)) {
		return errors.New("the pod may go yet")
	}
	return nil
}
