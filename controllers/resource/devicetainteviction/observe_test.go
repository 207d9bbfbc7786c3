package devicetainteviction

import (
	"slices"
	"testing"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	resourcev1 "k8s.io/api/resource/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestWhichTaintsConcernAPod(t *testing.T) {
	pod := gen.Pod("web", gen.Uses("gpu"), gen.On("a"))
	allocated := func(changes ...func(*resourcev1.ResourceClaim)) *resourcev1.ResourceClaim {
		return gen.ResourceClaim("gpu", append([]func(*resourcev1.ResourceClaim){gen.Allocated("d0"), gen.ReservedFor(pod)}, changes...)...)
	}
	claim := allocated()
	noSchedule := added("x", 0)
	noSchedule.Effect = resourcev1.DeviceTaintEffectNoSchedule
	undated := added("x", 0)
	undated.TimeAdded = nil
	for _, tt := range []struct {
		name string
		pod  *ocorev1.Pod
		objs []client.Object
		want []string
	}{
		{"none where nothing is tainted", pod, []client.Object{claim, gen.ResourceSlice("s", 1, "d0")}, nil},
		{"that of its device in a slice", pod, []client.Object{claim, gen.ResourceSlice("s", 1, "d0", added("x", 0))}, []string{"x"}},
		{"not that of another device", pod, []client.Object{claim, gen.ResourceSlice("s", 1, "d1", added("x", 0))}, nil},
		{"not one that keeps pods away", pod, []client.Object{claim, gen.ResourceSlice("s", 1, "d0", noSchedule)}, nil},
		{"not one without a date, which the API server gives to each", pod, []client.Object{claim, gen.ResourceSlice("s", 1, "d0", undated)}, nil},
		{"not one of an older generation of the pool", pod, []client.Object{claim, gen.ResourceSlice("s", 1, "d0", added("x", 0)), gen.ResourceSlice("t", 2, "d0")}, nil},
		{"that of a rule for all devices", pod, []client.Object{claim, gen.DeviceTaintRule("r", added("x", 0), "", "", "")}, []string{"x"}},
		{"that of a rule for the device", pod, []client.Object{claim, gen.DeviceTaintRule("r", added("x", 0), "devices.example.com", "a", "d0")}, []string{"x"}},
		{"not that of a rule for another", pod, []client.Object{claim, gen.DeviceTaintRule("r", added("x", 0), "devices.example.com", "b", "")}, nil},
		{"not that of a rule for none", pod, []client.Object{claim, gen.DeviceTaintRule("r", added("x", 0), "", "", "", func(rule *resourcev1.DeviceTaintRule) {
			rule.Spec.DeviceSelector = nil
		})}, nil},
		{"none where the claim is not allocated", pod, []client.Object{gen.ResourceClaim("gpu", gen.ReservedFor(pod)), gen.DeviceTaintRule("r", added("x", 0), "", "", "")}, nil},
		{"none where it is not reserved for the pod", pod, []client.Object{gen.ResourceClaim("gpu", gen.Allocated("d0")), gen.DeviceTaintRule("r", added("x", 0), "", "", "")}, nil},
		{"none where it was made for another pod", gen.Pod("web", gen.UsesOneOf("gpus", "gpu"), gen.Told("gpu", "gpu"), gen.On("a")),
			[]client.Object{allocated(gen.ClaimedBy(gen.Pod("other"), "gpu")), gen.DeviceTaintRule("r", added("x", 0), "", "", "")}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := looptest.NewWorld(gen.Schemes(t)[apis.Kubernetes])
			for _, index := range Loop(Options{}).Indexes() {
				if err := w.Index(index.Object, index.Field, index.Values); err != nil {
					t.Fatal(err)
				}
			}
			w.Put(append(tt.objs, tt.pod)...)
			world, err := Controller{}.Observe(t.Context(), loop.NewView(w.Client("loop"), nil, gen.Now), tt.pod)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, taint := range world.taints {
				got = append(got, taint.Key)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("they are %v, want %v", got, tt.want)
			}
		})
	}
}
