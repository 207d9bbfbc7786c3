package csrapprover

import (
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/signingrequest"
	"github.com/orrery-dev/orrery/framework/plan"
	certificatesv1 "k8s.io/api/certificates/v1"
)

// How long it takes at least, and at most, until somebody is asked about again.
const (
	soonest = time.Second
	latest  = 1000 * time.Second
)

// Plan approves the request if who made it may have the certificate.
func (Controller) Plan(request *certificatesv1.CertificateSigningRequest, w world, now time.Time) *plan.Plan {
	p := plan.New()
	switch {
	case request.DeletionTimestamp != nil:
	case w.granted != nil:
		p.Do(signingrequest.Approve(request, w.granted.message))
	case len(w.refused) > 0:
		why := fmt.Sprintf("recognized csr %q as %v but subject access review was not approved", request.Name, w.refused)
		p.Because(why)
		waited := now.Sub(request.CreationTimestamp.Time)
		p.After(min(max(waited, soonest), latest), "the right may be given later")
	}
	return p
}
