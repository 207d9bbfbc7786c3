package csrcleaner

import (
	"slices"
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	certificatesv1 "k8s.io/api/certificates/v1"
)

// How long requests are kept.
const (
	answered   = time.Hour
	unanswered = 24 * time.Hour
)

// Plan deletes the request when the first of its limits is over.
func (Controller) Plan(request *certificatesv1.CertificateSigningRequest, w world, now time.Time) *plan.Plan {
	p := plan.New()
	limits := limits(request, w)
	if len(limits) == 0 || request.DeletionTimestamp != nil {
		return p
	}
	first := slices.MinFunc(limits, func(a, b limit) int { return a.ends.Compare(b.ends) })
	if left := first.ends.Sub(now); left > 0 {
		p.After(left, "by then "+first.why)
	} else {
		p.Delete(first.why, request).Unchanged()
	}
	return p
}

// limit is until when a request is kept, and why no longer.
type limit struct {
	ends time.Time
	why  string
}

// limits are those of a request as it is, in the order in which its conditions stand.
func limits(request *certificatesv1.CertificateSigningRequest, w world) []limit {
	if len(request.Status.Conditions) == 0 {
		return []limit{{request.CreationTimestamp.Add(unanswered), "it was made 24h ago, and nobody has decided about it"}}
	}
	var found []limit
	for _, condition := range request.Status.Conditions {
		if l := limitOf(request, condition); !condition.LastUpdateTime.IsZero() && l.why != "" {
			found = append(found, l)
		}
		if condition.Type == certificatesv1.CertificateApproved && !w.expires.IsZero() {
			found = append(found, limit{w.expires, "its certificate has expired"})
		}
	}
	return found
}

// limitOf is what follows from a condition; the zero limit, where nothing does.
func limitOf(request *certificatesv1.CertificateSigningRequest, condition certificatesv1.CertificateSigningRequestCondition) limit {
	said := condition.LastUpdateTime
	switch {
	case condition.Type == certificatesv1.CertificateApproved && len(request.Status.Certificate) > 0:
		return limit{said.Add(answered), "it was approved 1h ago, and has its certificate"}
	case condition.Type == certificatesv1.CertificateApproved:
		return limit{said.Add(unanswered), "it was approved 24h ago, and has no certificate"}
	case condition.Type == certificatesv1.CertificateDenied:
		return limit{said.Add(answered), "it was denied 1h ago"}
	case condition.Type == certificatesv1.CertificateFailed:
		return limit{said.Add(answered), "it failed 1h ago"}
	default:
		return limit{}
	}
}
