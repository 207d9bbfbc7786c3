package endpointslice

import (
	"fmt"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/servicepods"
	"github.com/orrery-dev/orrery/framework/plan"
)

// Plan brings a Service's slices in line with its pods, in as few writes as it can.
func (Controller) Plan(service *ocorev1.Service, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	if !servicepods.Selects(service) {
		return p
	}
	slices := layOut(service, &w)
	why := fmt.Sprintf("%d pods selected", len(w.pods))
	if service.DeletionTimestamp == nil { // or the garbage collector would have to come back for them
		plan.CreateAll(p, why, slices.toCreate).OwnedBy(service).Failed(failed(service))
	}
	for _, update := range slices.toUpdate {
		p.Patch(why, update.observed, update.wanted).Failed(failed(service))
	}
	plan.DeleteAll(p, why, slices.toDelete).Failed(failed(service))
	return p
}
