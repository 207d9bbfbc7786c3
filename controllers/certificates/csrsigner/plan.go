package csrsigner

import (
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	certificatesv1 "k8s.io/api/certificates/v1"
)

// Plan signs the request, or says that it is not what its signer signs.
func (c Controller) Plan(request *certificatesv1.CertificateSigningRequest, w world, now time.Time) *plan.Plan {
	p := plan.New()
	if w.asked == nil || request.DeletionTimestamp != nil {
		return p
	}
	if err := signers[request.Spec.SignerName](w.asked, request.Spec.Usages); err != nil {
		p.Status(request, failed(request, err, now))
		return p
	}
	template, err := certificate(w.asked, request.Spec.Usages, c.validity(request.Spec.ExpirationSeconds), now)
	if err != nil { // the API server lets none of these in
		p.Because(fmt.Sprintf("it cannot be signed: %s", err))
		return p
	}
	p.Do(&sign{Options: c.Options, request: request, asked: w.asked, template: template})
	return p
}

// shortest is how long a certificate is good for at least: twice the time by which it is backdated.
const shortest = 10 * time.Minute

// validity is how long a certificate is good for that is asked for with an expiration, which may be nil.
func (c Controller) validity(expirationSeconds *int32) time.Duration {
	if expirationSeconds == nil {
		return c.duration()
	}
	asked := time.Duration(*expirationSeconds) * time.Second
	if asked > c.duration() {
		return c.duration()
	}
	return max(asked, shortest)
}
