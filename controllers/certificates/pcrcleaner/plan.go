package pcrcleaner

import (
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	certificatesv1 "k8s.io/api/certificates/v1"
)

// kept is how long a request is kept: nobody takes longer to sign one, and to read the answer.
const kept = 15 * time.Minute

// Plan deletes the request when its time is over.
func (Controller) Plan(request *certificatesv1.PodCertificateRequest, _ world, now time.Time) *plan.Plan {
	p := plan.New()
	if request.DeletionTimestamp != nil {
		return p
	}
	if left := request.CreationTimestamp.Add(kept).Sub(now); left > 0 {
		p.After(left, "it is kept for 15m")
	} else {
		p.Delete("it was made 15m ago", request)
	}
	return p
}
