package podgroupprotection

import (
	"time"

	oschedulingv1beta1 "github.com/orrery-dev/orrery/apis/scheduling/v1beta1"
	"github.com/orrery-dev/orrery/controllers/internal/protection"
	"github.com/orrery-dev/orrery/framework/plan"
)

// finalizer is what the admission of the API server puts on a group.
const finalizer = "scheduling.k8s.io/podgroup-protection"

// Plan keeps the group while it has pods.
func (Controller) Plan(group *oschedulingv1beta1.PodGroup, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	protection.Keep(p, group, finalizer, w.holder, ask(group))
	return p
}
