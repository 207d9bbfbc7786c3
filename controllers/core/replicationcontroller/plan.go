package replicationcontroller

import (
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/replicacontrol"
	"github.com/orrery-dev/orrery/framework/plan"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Plan settles claims, brings the number of pods to the desired one, and reports.
func (Controller) Plan(rc *ocorev1.ReplicationController, w world, now time.Time) *plan.Plan {
	p := plan.New()
	if !replicacontrol.Plan(p, setOf(rc), w.World, now) {
		return p
	}
	p.StatusAfter(rc, func(failed error) client.Object {
		reported := rc.DeepCopy()
		reported.Status = status(rc, w, failed, now)
		return reported
	})
	return p
}
