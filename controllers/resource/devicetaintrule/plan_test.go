package devicetaintrule

import (
	"strings"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/gen"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestPlan(t *testing.T) {
	said := func(reason, message string, ago time.Duration) func(*resourcev1.DeviceTaintRule) {
		return func(rule *resourcev1.DeviceTaintRule) {
			rule.Status.Conditions = []metav1.Condition{{
				Type: resourcev1.DeviceTaintConditionEvictionInProgress, Status: metav1.ConditionFalse, Reason: reason, Message: message,
				ObservedGeneration: 1, LastTransitionTime: gen.Ago(ago),
			}}
		}
	}
	changed := func(rule *resourcev1.DeviceTaintRule) { rule.Generation++ }
	const once = "3 pods evicted since starting the controller."
	for _, tt := range []struct {
		name    string
		effect  resourcev1.DeviceTaintEffect
		rule    []func(*resourcev1.DeviceTaintRule)
		evicted int
		want    string // how the plan begins
	}{
		{"a new rule is told of at once", resourcev1.DeviceTaintEffectNoExecute, nil, 0, "status DeviceTaintRule r"},
		{"what is told already is not told again", resourcev1.DeviceTaintEffectNoExecute, []func(*resourcev1.DeviceTaintRule){said("NotStarted", "", time.Minute)}, 0,
			"nothing to do"},
		{"what has changed since is", resourcev1.DeviceTaintEffectNoExecute, []func(*resourcev1.DeviceTaintRule){said("NotStarted", "", time.Minute)}, 3,
			"status DeviceTaintRule r"},
		{"not within ten seconds", resourcev1.DeviceTaintEffectNoExecute, []func(*resourcev1.DeviceTaintRule){said("NotStarted", "", 4*time.Second)}, 3,
			"nothing to do\nlook again in 6s: the status was told a moment ago"},
		{"unless the rule has changed", resourcev1.DeviceTaintEffectNoExecute, []func(*resourcev1.DeviceTaintRule){said("NotStarted", "", 4*time.Second), changed}, 0,
			"status DeviceTaintRule r"},
		{"a rule that is only tried out is told of once", resourcev1.DeviceTaintEffectNone, []func(*resourcev1.DeviceTaintRule){said("NoEffect", "", time.Hour)}, 3,
			"nothing to do"},
		{"and again when it has changed", resourcev1.DeviceTaintEffectNone, []func(*resourcev1.DeviceTaintRule){said("NoEffect", "", time.Hour), changed}, 3,
			"status DeviceTaintRule r"},
		{"that all is done is told once", resourcev1.DeviceTaintEffectNoExecute, []func(*resourcev1.DeviceTaintRule){said("Completed", once, time.Hour)}, 3,
			"nothing to do"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rule := gen.DeviceTaintRule("r", resourcev1.DeviceTaint{Effect: tt.effect}, "", "", "", tt.rule...)
			got := Controller{}.Plan(rule, world{evicted: tt.evicted}, gen.Now).String()
			if !strings.HasPrefix(got, tt.want) || tt.want == "nothing to do" && got != tt.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}
