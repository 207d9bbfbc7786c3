package tainteviction

import (
	"fmt"
	"time"

	"github.com/go-logr/logr"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/eviction"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
)

// Plan deletes a pod when it has tolerated the taints of its node for as long as it does.
func (Controller) Plan(pod *ocorev1.Pod, w world, now time.Time) *plan.Plan {
	p := plan.New()
	if pod.DeletionTimestamp != nil {
		return p
	}
	for _, t := range w.taints {
		last, forever := toleration(pod, t.Taint)
		if forever {
			continue
		}
		why := fmt.Sprintf("node %s has the taint %s, which is tolerated for %s", pod.Spec.NodeName, t.ToString(), last)
		if wait := t.since.Add(last).Sub(now); wait > 0 {
			p.After(wait, why)
			continue
		}
		return eviction.Plan(pod, why, words(pod), now)
	}
	return p
}

// toleration is how long a pod tolerates a taint: as long as the shortest of the tolerations that match it says, and not
// at all if there is none.
func toleration(pod *ocorev1.Pod, taint corev1.Taint) (last time.Duration, forever bool) {
	forever = true
	matches := 0
	for _, t := range pod.Spec.Tolerations {
		if !t.ToleratesTaint(logr.Discard(), &taint, true) {
			continue
		}
		matches++
		if t.TolerationSeconds == nil {
			continue
		}
		seconds := time.Duration(max(*t.TolerationSeconds, 0)) * time.Second
		if forever || seconds < last {
			last, forever = seconds, false
		}
	}
	return last, forever && matches > 0
}
