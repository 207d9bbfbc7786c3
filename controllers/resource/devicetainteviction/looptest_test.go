package devicetainteviction

import (
	"errors"
	"fmt"
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/devicetaints"
	"github.com/orrery-dev/orrery/controllers/internal/fakekubelet"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestPodsLeaveTaintedDevices taints devices in slices and by rules, and clears them again, under both namings: no pod goes without
// saying why, and in the end none is left that uses a device with a taint which its claim does not tolerate for ever.
func TestPodsLeaveTaintedDevices(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme:     scheme,
			Loops:      []loop.Loop{Loop(Options{})},
			Start:      somePodsWithDevices,
			Prepare:    fakekubelet.DeletesGracefully,
			Change:     taintOrClear,
			Invariants: []looptest.Invariant{neverWithoutAReason},
			Converged:  noneIsLeft,
		})
	})
}

func somePodsWithDevices(t *rapid.T) []client.Object {
	objs := []client.Object{gen.ResourceSlice("s", 1, "d0")}
	for i := range rapid.IntRange(1, 4).Draw(t, "pods") {
		name := fmt.Sprintf("p%d", i)
		pod := gen.Pod(name, gen.Uses(name), gen.On("a"))
		claim := gen.ResourceClaim(name, gen.Allocated(rapid.SampledFrom([]string{"d0", "d1"}).Draw(t, "device")))
		claim.Status.Allocation.Devices.Results[0].Tolerations = rapid.SampledFrom([][]resourcev1.DeviceToleration{
			nil, {tolerates("x")}, {tolerates("x", 30)}, {tolerates("", 5)},
		}).Draw(t, "tolerates")
		if rapid.Bool().Draw(t, "reserved") {
			gen.ReservedFor(pod)(claim)
		}
		objs = append(objs, pod, claim)
	}
	return objs
}

// taintOrClear changes what a driver or an administrator says of devices, and who uses them.
func taintOrClear(t *rapid.T, w *looptest.World) {
	now := metav1.NewTime(w.Now())
	taint := resourcev1.DeviceTaint{
		Key: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "taint"), Effect: resourcev1.DeviceTaintEffectNoExecute, TimeAdded: &now,
	}
	switch rapid.SampledFrom([]string{"taint", "clear", "rule", "no rule", "hide", "show", "reserve"}).Draw(t, "what") {
	case "taint":
		looptest.Edit(w, "driver", gen.ResourceSlice("s", 1, "d0"), func(s *resourcev1.ResourceSlice) { s.Spec.Devices[0].Taints = []resourcev1.DeviceTaint{taint} })
	case "clear":
		looptest.Edit(w, "driver", gen.ResourceSlice("s", 1, "d0"), func(s *resourcev1.ResourceSlice) { s.Spec.Devices[0].Taints = nil })
	case "rule":
		w.Put(gen.DeviceTaintRule("r", taint, "", "", rapid.SampledFrom([]string{"", "d1"}).Draw(t, "device")))
	case "no rule":
		remove(t, w, gen.DeviceTaintRule("r", taint, "", "", ""))
	case "hide":
		w.Put(gen.ResourceSlice("newer", 2, "d0"))
	case "show":
		remove(t, w, gen.ResourceSlice("newer", 2, "d0"))
	case "reserve":
		for _, pod := range looptest.All[*ocorev1.Pod](w) {
			looptest.Edit(w, "scheduler", gen.ResourceClaim(pod.Name), func(claim *resourcev1.ResourceClaim) {
				if len(claim.Status.ReservedFor) == 0 {
					gen.ReservedFor(pod)(claim)
				}
			})
		}
	}
}

func remove(t *rapid.T, w *looptest.World, obj client.Object) {
	if err := w.Client("user").Delete(t.Context(), obj); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
}

func neverWithoutAReason(_ *looptest.World, wrote looptest.Write) error {
	pod, ok := wrote.Before.(*ocorev1.Pod)
	if ok && wrote.By == "device-taint-eviction-controller" && wrote.Verb == "delete" && len(pod.Status.Conditions) == 0 {
		return errors.New("the pod does not say that it is disrupted")
	}
	return nil
}

func noneIsLeft(w *looptest.World) error {
	var published []resourcev1.ResourceSlice
	for _, slice := range looptest.All[*resourcev1.ResourceSlice](w) {
		published = append(published, *slice)
	}
	var rules []resourcev1.DeviceTaintRule
	for _, rule := range looptest.All[*resourcev1.DeviceTaintRule](w) {
		rules = append(rules, *rule)
	}
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		for _, claim := range looptest.All[*resourcev1.ResourceClaim](w) {
			if pod.DeletionTimestamp != nil || !devicetaints.Uses(pod, claim) {
				continue
			}
			for _, t := range taintsOf(claim.Status.Allocation.Devices.Results[0], devicetaints.Current(published), rules) {
				if !t.toleratedForever() {
					return fmt.Errorf("pod %s still uses device %s, which has the taint %s", pod.Name, t.device, t.Key)
				}
			}
		}
	}
	return nil
}
