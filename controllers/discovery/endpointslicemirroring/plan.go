package endpointslicemirroring

import (
	"fmt"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	"github.com/orrery-dev/orrery/framework/plan"
)

// Plan brings the slices of Endpoints in line with them, or deletes them where nothing is mirrored.
func (Controller) Plan(endpoints *ocorev1.Endpoints, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	if !w.mirrored {
		plan.DeleteAll(p, "the Endpoints are not mirrored", w.slices)
		return p
	}
	m := mirror(endpoints)
	tell(p, endpoints, m)
	pairs, rest := matched(endpoints, m.images, w.slices)
	why := fmt.Sprintf("%d slices mirror the Endpoints", len(m.images))
	var toCreate []*odiscoveryv1.EndpointSlice
	for _, pair := range pairs {
		slice := sliceOf(endpoints, pair.image, pair.observed)
		if pair.observed != nil {
			p.Patch(why, pair.observed, slice)
		} else if endpoints.DeletionTimestamp == nil { // or the garbage collector would have to come back for it
			toCreate = append(toCreate, slice)
		}
	}
	plan.CreateAll(p, why, toCreate).OwnedBy(endpoints)
	plan.DeleteAll(p, why, rest)
	return p
}
