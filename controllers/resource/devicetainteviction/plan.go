package devicetainteviction

import (
	"fmt"
	"slices"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/devicetaints"
	"github.com/orrery-dev/orrery/controllers/internal/eviction"
	"github.com/orrery-dev/orrery/framework/plan"
	"k8s.io/apimachinery/pkg/types"
)

// Plan deletes a pod when its claims have tolerated the taints of its devices for as long as they do.
func (c Controller) Plan(pod *ocorev1.Pod, w world, now time.Time) *plan.Plan {
	if !mayUse(pod) {
		return plan.New()
	}
	untolerated := slices.DeleteFunc(slices.Clone(w.taints), taint.toleratedForever)
	var first *taint
	for i := range untolerated {
		if t := &untolerated[i]; first == nil || t.due().Before(first.due()) {
			first = t
		}
	}
	if first == nil {
		return plan.New()
	}
	last, _ := devicetaints.Tolerated(first.tolerations, first.DeviceTaint)
	why := fmt.Sprintf("device %s has the taint %s=%s:%s, which is tolerated for %s", first.device, first.Key, first.Value, first.Effect, last)
	if wait := first.due().Sub(now); wait > 0 {
		p := plan.New()
		p.After(wait, why)
		return p
	}
	p := eviction.Plan(pod, why, words, now)
	if rules := rulesOf(untolerated); len(rules) > 0 {
		p.Do(count{c.Evicted, rules})
	}
	return p
}

// toleratedForever reports that the claim tolerates the taint for ever.
func (t taint) toleratedForever() bool {
	_, forever := devicetaints.Tolerated(t.tolerations, t.DeviceTaint)
	return forever
}

// due is when the claim has tolerated the taint for as long as it does.
func (t taint) due() time.Time {
	last, _ := devicetaints.Tolerated(t.tolerations, t.DeviceTaint)
	return t.TimeAdded.Add(last)
}

// rulesOf are the rules that some taints are of, each once.
func rulesOf(taints []taint) []types.UID {
	var rules []types.UID
	for _, t := range taints {
		if t.rule != "" && !slices.Contains(rules, t.rule) {
			rules = append(rules, t.rule)
		}
	}
	return rules
}
