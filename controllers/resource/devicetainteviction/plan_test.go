package devicetainteviction

import (
	"strings"
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/devicetaints"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
)

// added is a taint with the effect NoExecute that was added some time ago.
func added(key string, ago time.Duration) resourcev1.DeviceTaint {
	at := gen.Ago(ago)
	return resourcev1.DeviceTaint{Key: key, Value: "v", Effect: resourcev1.DeviceTaintEffectNoExecute, TimeAdded: &at}
}

func tolerates(key string, seconds ...int64) resourcev1.DeviceToleration {
	toleration := resourcev1.DeviceToleration{Key: key, Operator: resourcev1.DeviceTolerationOpExists, Effect: resourcev1.DeviceTaintEffectNoExecute}
	if len(seconds) > 0 {
		toleration.TolerationSeconds = &seconds[0]
	}
	return toleration
}

func TestPlan(t *testing.T) {
	const evicts, nothing = "evicts", "nothing"
	bound := gen.Pod("web", gen.Uses("gpu"), gen.On("a"))
	with := func(of resourcev1.DeviceTaint, tolerations ...resourcev1.DeviceToleration) taint {
		return taint{of, "devices.example.com/a/d0", tolerations, ""}
	}
	anyEffect := tolerates("x")
	anyEffect.Effect = ""
	otherValue := tolerates("x")
	otherValue.Operator, otherValue.Value = resourcev1.DeviceTolerationOpEqual, "w"
	for _, tt := range []struct {
		name   string
		pod    *ocorev1.Pod
		taints []taint
		want   string
	}{
		{"without taints a pod stays", bound, nil, nothing},
		{"a pod whose claim does not tolerate a taint goes", bound, []taint{with(added("x", 0))}, evicts},
		{"one without a node stays", gen.Pod("web", gen.Uses("gpu")), []taint{with(added("x", 0))}, nothing},
		{"one that is being deleted is left alone", gen.Pod("web", gen.Uses("gpu"), gen.On("a"), gen.Going), []taint{with(added("x", 0))}, nothing},
		{"one whose claim tolerates it stays for ever", bound, []taint{with(added("x", time.Hour), tolerates("x"))}, nothing},
		{"also where another toleration is for a while", bound, []taint{with(added("x", time.Hour), tolerates("x", 10), tolerates("x"))}, nothing},
		{"one whose claim tolerates another goes", bound, []taint{with(added("x", 0), tolerates("y"))}, evicts},
		{"or another value", bound, []taint{with(added("x", 0), otherValue)}, evicts},
		{"or names no effect", bound, []taint{with(added("x", 0), anyEffect)}, evicts},
		{"one whose claim tolerates one of two goes", bound, []taint{with(added("x", 0), tolerates("x")), with(added("y", 0))}, evicts},
		{"one whose claim tolerates it for a while waits", bound, []taint{with(added("x", time.Minute), tolerates("x", 300))}, "4m0s"},
		{"and then goes", bound, []taint{with(added("x", 5*time.Minute), tolerates("x", 300))}, evicts},
		{"the shortest of its tolerations counts", bound, []taint{with(added("x", 5*time.Second), tolerates("x", 300), tolerates("", 10))}, "5s"},
		{"the taint that ends first counts", bound, []taint{with(added("x", 0), tolerates("", 60)), with(added("y", 20*time.Second), tolerates("", 60))}, "40s"},
		{"seconds below zero are none", bound, []taint{with(added("x", 0), tolerates("x", -5))}, evicts},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := Controller{}.Plan(tt.pod, world{tt.taints}, gen.Now)
			got := nothing
			switch {
			case !p.Empty():
				got = evicts
			case p.Again() != nil:
				got = p.Again().After.String()
			}
			if got != tt.want {
				t.Errorf("the plan is %s, want %s:\n%s", got, tt.want, p)
			}
		})
	}
}

func TestAnEvictionSaysWhyAndIsCounted(t *testing.T) {
	counted := &devicetaints.Evictions{}
	w := world{[]taint{
		{added("x", 0), "devices.example.com/a/d0", nil, "rule"},
		{added("x", 0), "devices.example.com/a/d1", nil, "rule"},
		{added("y", 0), "devices.example.com/a/d1", []resourcev1.DeviceToleration{tolerates("y")}, "tolerated"},
	}}
	p := Controller{Options{counted}}.Plan(gen.Pod("web", gen.Uses("gpu"), gen.On("a")), w, gen.Now)
	want := strings.Join([]string{
		`status Pod default/web {"status":{"conditions":[{"lastProbeTime":null,"lastTransitionTime":"2030-01-02T03:04:05Z","message":"Device Taint manager: deleting due to NoExecute taint","reason":"DeletionByDeviceTaintManager","status":"True","type":"DisruptionTarget"}]}}`,
		"event Normal DeviceTaintManagerEviction for Pod default/web: Marking for deletion",
		"delete Pod default/web: device devices.example.com/a/d0 has the taint x=v:NoExecute, which is tolerated for 0s",
		"count the pod for 1 DeviceTaintRules: their status tells how many they have evicted",
	}, "\n")
	if got := p.String(); got != want {
		t.Errorf("the plan is\n%s\nwant\n%s", got, want)
	}
	if err := p.Steps()[3].Do(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for rule, want := range map[types.UID]int{"rule": 1, "tolerated": 0} {
		if got := counted.Of(rule); got != want {
			t.Errorf("%s has evicted %d, want %d", rule, got, want)
		}
	}
}
