package replicaset

import (
	"fmt"
	"time"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/podcontrol"
	"github.com/orrery-dev/orrery/controllers/internal/podtemplate"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/framework/plan"
)

// burst is how many pods are created or deleted in one pass at most, so that one huge ReplicaSet leaves room for others.
const burst = 500

// Plan settles claims, brings the number of pods to the desired one, and reports.
func (Controller) Plan(rs *oappsv1.ReplicaSet, w world, now time.Time) *plan.Plan {
	p := plan.New()
	if w.claims.Open() {
		w.claims.Settle(p, rs)
		return p // whoever belongs to the ReplicaSet is decided: the next pass counts them
	}
	pods := w.claims.Held
	if rs.DeletionTimestamp == nil {
		switch surplus := len(pods) - desired(rs); {
		case surplus < 0:
			create(p, rs, len(pods), min(-surplus, burst))
		case surplus > 0:
			remove(p, rs, len(pods), replicas.Expendable(pods, w.siblings, min(surplus, burst), now))
		}
	}
	report(p, rs, w, now)
	return p
}

// desired is how many pods are asked for; 1 where the ReplicaSet does not say.
func desired(rs *oappsv1.ReplicaSet) int {
	if rs.Spec.Replicas == nil {
		return 1
	}
	return int(*rs.Spec.Replicas)
}

func create(p *plan.Plan, rs *oappsv1.ReplicaSet, have, missing int) {
	why := fmt.Sprintf("%d pods of %d desired", have, desired(rs))
	podcontrol.Create(p, why, rs, podtemplate.Pods(rs, &rs.Spec.Template, missing))
}

func remove(p *plan.Plan, rs *oappsv1.ReplicaSet, have int, expendable []*ocorev1.Pod) {
	podcontrol.Delete(p, fmt.Sprintf("%d pods, %d desired", have, desired(rs)), rs, expendable)
}
