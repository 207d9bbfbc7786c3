package devicetaintrule

import (
	"testing"

	"github.com/orrery-dev/orrery/controllers/internal/gen"
	resourcev1 "k8s.io/api/resource/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestWhatIsSaidOfARule(t *testing.T) {
	pods := func(namespaces ...string) []client.ObjectKey {
		var keys []client.ObjectKey
		for _, namespace := range namespaces {
			keys = append(keys, client.ObjectKey{Namespace: namespace})
		}
		return keys
	}
	const notAgain = " if the effect was NoExecute. This information will not be updated again. Recreate the DeviceTaintRule to trigger an update."
	for _, tt := range []struct {
		name   string
		effect resourcev1.DeviceTaintEffect
		world  world
		want   string
	}{
		{"nobody has to go", resourcev1.DeviceTaintEffectNoExecute, world{}, "False NotStarted: "},
		{"one pod has to go", resourcev1.DeviceTaintEffectNoExecute, world{pods: pods("a")},
			"True PodsPendingEviction: 1 pod needs to be evicted in 1 namespace."},
		{"some have gone, and others have to", resourcev1.DeviceTaintEffectNoExecute, world{pods: pods("a", "a", "b"), evicted: 1},
			"True PodsPendingEviction: 3 pods need to be evicted in 2 different namespaces. 1 pod evicted since starting the controller."},
		{"all have gone", resourcev1.DeviceTaintEffectNoExecute, world{evicted: 3}, "False Completed: 3 pods evicted since starting the controller."},
		{"a rule is tried out", resourcev1.DeviceTaintEffectNone, world{pods: pods("a"), published: 1, allocated: 1},
			"False NoEffect: 1 published device selected. 1 allocated device selected. 1 pod would be evicted in 1 namespace" + notAgain},
		{"a rule that concerns nobody is tried out", resourcev1.DeviceTaintEffectNone, world{},
			"False NoEffect: 0 published devices selected. 0 allocated devices selected. 0 pods would be evicted in 0 different namespaces" + notAgain},
		{"pods are only kept away", resourcev1.DeviceTaintEffectNoSchedule, world{}, "False OtherEffect: Eviction only happens for the NoExecute effect."},
		{"after some were evicted", resourcev1.DeviceTaintEffectNoSchedule, world{evicted: 2},
			"False OtherEffect: Eviction only happens for the NoExecute effect. 2 pods evicted since starting the controller."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rule := gen.DeviceTaintRule("r", resourcev1.DeviceTaint{Effect: tt.effect}, "", "", "")
			got := inProgress(rule, tt.world)
			if said := string(got.Status) + " " + got.Reason + ": " + got.Message; said != tt.want || got.ObservedGeneration != 1 {
				t.Errorf("it says, of generation %d, %q; want %q of generation 1", got.ObservedGeneration, said, tt.want)
			}
		})
	}
}
