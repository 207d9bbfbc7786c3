package replicaset

import (
	"time"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	"github.com/orrery-dev/orrery/controllers/internal/replicacontrol"
	"github.com/orrery-dev/orrery/framework/plan"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Plan settles claims, brings the number of pods to the desired one, and reports.
func (Controller) Plan(rs *oappsv1.ReplicaSet, w world, now time.Time) *plan.Plan {
	p := plan.New()
	if !replicacontrol.Plan(p, setOf(rs), w.World, now) {
		return p
	}
	p.StatusAfter(rs, func(failed error) client.Object {
		reported := rs.DeepCopy()
		reported.Status = status(rs, w, failed, now)
		return reported
	})
	return p
}
