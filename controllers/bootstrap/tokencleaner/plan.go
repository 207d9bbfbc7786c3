package tokencleaner

import (
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/bootstraptoken"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	bootstrapsecrets "k8s.io/cluster-bootstrap/util/secrets"
)

// Plan deletes the token when it has expired.
func (Controller) Plan(secret *corev1.Secret, _ world, now time.Time) *plan.Plan {
	p := plan.New()
	if !bootstraptoken.Is(secret) || secret.DeletionTimestamp != nil {
		return p
	}
	switch left, expired := bootstrapsecrets.GetExpiration(secret, now); {
	case expired:
		p.Delete("it has expired", secret).Unchanged()
	case left > 0:
		p.After(left, "it expires then")
	}
	return p
}
