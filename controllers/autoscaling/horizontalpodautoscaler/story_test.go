package horizontalpodautoscaler

import (
	"fmt"
	"strconv"
	"testing"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestALoadThatComesAndGoes tells how an autoscaler follows a load, with and without a behavior.
func TestALoadThatComesAndGoes(t *testing.T) {
	scheme := kubernetes
	for name, behavior := range map[string]*autoscalingv2.HorizontalPodAutoscalerBehavior{
		"as it is by default": nil,
		"carefully":           carefully(),
	} {
		t.Run(name, func(t *testing.T) {
			busy, hpa := &busyness{}, scaler(scheme, 10)
			hpa.Spec.Behavior = behavior
			load := func(n int) func(*looptest.World) {
				return func(w *looptest.World) {
					looptest.Edit(w, "user", deploymentIn(w), func(d *oappsv1.Deployment) { d.Annotations[annotationLoad] = strconv.Itoa(n) })
				}
			}
			looptest.Tell(t, looptest.Story{
				Scheme: scheme, Loops: []loop.Loop{busy.loop()}, Prepare: busy.in, Environment: replicate,
				Start: []client.Object{hpa, loaded(each), podOf(1)},
				Chapters: []looptest.Chapter{
					{Title: "one pod has enough to do", Do: nil},
					{Title: "the load grows to that of seven", Do: load(7 * each)},
					{Title: "the load grows beyond what there may be", Do: load(30 * each)},
					{Title: "the load is that of two again", Do: load(2 * each)},
					{Title: "somebody scales to zero", Do: func(w *looptest.World) {
						looptest.Edit(w, "user", deploymentIn(w), func(d *oappsv1.Deployment) { d.Spec.Replicas = new(int32(0)) })
					}},
				},
				Show: func(w *looptest.World) string {
					d := deploymentIn(w)
					return fmt.Sprintf("a load of %d for %d of %d pods", loadOf(d), d.Status.Replicas, *d.Spec.Replicas)
				},
			})
		})
	}
}
