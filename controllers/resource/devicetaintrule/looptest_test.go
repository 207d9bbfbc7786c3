package devicetaintrule

import (
	"fmt"
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/devicetaints"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/conditions"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestRulesTellWhoHasToGo lets pods that use tainted devices come, get their claims reserved and go, under both namings: in the end each
// rule tells how many are left.
func TestRulesTellWhoHasToGo(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{Loop(Options{evicted()})},
			Start: func(*rapid.T) []client.Object {
				return []client.Object{
					rule(resourcev1.DeviceTaintEffectNoExecute), gen.ResourceSlice("s", 1, "d0"),
					gen.Pod("one", gen.Uses("shared")), gen.Pod("two", gen.Uses("shared"), gen.On("a")),
					gen.ResourceClaim("shared"),
				}
			},
			Change:    useAndLeave,
			Converged: toldAsItIs,
		})
	})
}

// evicted is the count of one pod that the rule has evicted.
func evicted() *devicetaints.Evictions {
	counted := &devicetaints.Evictions{}
	counted.Count([]types.UID{"r"})
	return counted
}

func rule(effect resourcev1.DeviceTaintEffect) *resourcev1.DeviceTaintRule {
	return gen.DeviceTaintRule("r", resourcev1.DeviceTaint{Key: "x", Effect: effect}, "", "", "")
}

func useAndLeave(t *rapid.T, w *looptest.World) {
	pod := gen.Pod(rapid.SampledFrom([]string{"one", "two"}).Draw(t, "pod"), gen.Uses("shared"))
	switch rapid.SampledFrom([]string{"bind", "allocate", "reserve", "delete", "try"}).Draw(t, "what") {
	case "bind":
		looptest.Edit(w, "scheduler", pod, gen.On("a"))
	case "allocate":
		looptest.Edit(w, "scheduler", gen.ResourceClaim("shared"), func(claim *resourcev1.ResourceClaim) {
			if claim.Status.Allocation == nil {
				gen.Allocated("d0")(claim)
			}
		})
	case "reserve":
		for _, found := range looptest.All[*ocorev1.Pod](w) {
			if found.Name == pod.Name {
				looptest.Edit(w, "scheduler", gen.ResourceClaim("shared"), gen.ReservedFor(found))
			}
		}
	case "delete":
		if err := w.Client("user").Delete(t.Context(), pod); client.IgnoreNotFound(err) != nil {
			t.Fatal(err)
		}
	case "try":
		effect := rapid.SampledFrom([]resourcev1.DeviceTaintEffect{resourcev1.DeviceTaintEffectNone, resourcev1.DeviceTaintEffectNoSchedule, resourcev1.DeviceTaintEffectNoExecute}).Draw(t, "effect")
		looptest.Edit(w, "user", rule(effect), func(rule *resourcev1.DeviceTaintRule) { rule.Spec.Taint.Effect = effect })
	}
}

func toldAsItIs(w *looptest.World) error {
	told := looptest.All[*resourcev1.DeviceTaintRule](w)[0]
	said, _ := conditions.Meta.Find(told.Status.Conditions, resourcev1.DeviceTaintConditionEvictionInProgress)
	if said.ObservedGeneration != told.Generation {
		return fmt.Errorf("the status is that of generation %d of %d", said.ObservedGeneration, told.Generation)
	}
	users := 0
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		if pod.Spec.NodeName != "" && devicetaints.Uses(pod, looptest.All[*resourcev1.ResourceClaim](w)[0]) {
			users++
		}
	}
	if told.Spec.Taint.Effect == resourcev1.DeviceTaintEffectNoExecute && (said.Status == metav1.ConditionTrue) != (users > 0) {
		return fmt.Errorf("%d pods have to go, and the status says %s: %s", users, said.Reason, said.Message)
	}
	return nil
}
