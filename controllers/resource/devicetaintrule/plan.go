package devicetaintrule

import (
	"time"

	"github.com/orrery-dev/orrery/framework/conditions"
	"github.com/orrery-dev/orrery/framework/plan"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// period is the shortest time between two changes of a status, while the rule itself does not change.
const period = 10 * time.Second

// Plan tells how far the evictions are.
func (Controller) Plan(rule *resourcev1.DeviceTaintRule, w world, now time.Time) *plan.Plan {
	p := plan.New()
	said, found := conditions.Meta.Find(rule.Status.Conditions, resourcev1.DeviceTaintConditionEvictionInProgress)
	if found && said.ObservedGeneration == rule.Generation {
		if said.Reason == reasonNoEffect {
			return p
		}
		if wait := said.LastTransitionTime.Add(period).Sub(now); wait > 0 {
			p.After(wait, "the status was told a moment ago")
			return p
		}
	}
	saying := inProgress(rule, w)
	saying.LastTransitionTime = said.LastTransitionTime
	if saying == said {
		return p
	}
	saying.LastTransitionTime = metav1.NewTime(now)
	told := rule.DeepCopy()
	told.Status.Conditions = append(conditions.Meta.Remove(told.Status.Conditions, saying.Type), saying)
	p.Status(rule, told)
	return p
}
