package replicacontrol

import (
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/podcontrol"
	"github.com/orrery-dev/orrery/controllers/internal/podtemplate"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/framework/plan"
)

// burst is how many pods are created or deleted in one pass at most, so that one huge set leaves room for others.
const burst = 500

// Plan settles claims, or else brings the number of pods to the desired one. It reports whether the pods were counted: while claims
// are open they were not, and there is nothing to report in a status.
func Plan(p *plan.Plan, s Set, w World, now time.Time) (counted bool) {
	if w.Claims.Open() {
		w.Claims.Settle(p, s.Owner)
		return false // whoever belongs to the set is decided: the next pass counts them
	}
	pods, surplus := w.Claims.Held, w.Surplus(s)
	switch {
	case s.Owner.GetDeletionTimestamp() != nil:
	case surplus < 0:
		why := fmt.Sprintf("%d pods of %d desired", len(pods), s.Desired())
		podcontrol.Create(p, why, s.Owner, s.Selector, podtemplate.Pods(s.Owner, s.Template, min(-surplus, burst)))
	case surplus > 0:
		why := fmt.Sprintf("%d pods, %d desired", len(pods), s.Desired())
		podcontrol.Delete(p, why, s.Owner, replicas.Expendable(pods, w.Siblings, min(surplus, burst), now))
	}
	if wait, ok := replicas.UntilAvailable(pods, s.MinReadySeconds, now); ok {
		p.After(wait, "another pod will have been ready for minReadySeconds")
	}
	return true
}
