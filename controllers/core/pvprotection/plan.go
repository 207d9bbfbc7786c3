package pvprotection

import (
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/protection"
	"github.com/orrery-dev/orrery/framework/plan"
)

// finalizer is what the admission of the API server puts on a volume.
const finalizer = "kubernetes.io/pv-protection"

// Plan keeps the volume while it is bound.
func (Controller) Plan(volume *ocorev1.PersistentVolume, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	protection.Keep(p, volume, finalizer, w.user, nil)
	return p
}
