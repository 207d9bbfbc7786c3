package vacprotection

import (
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/protection"
	"github.com/orrery-dev/orrery/framework/plan"
	storagev1 "k8s.io/api/storage/v1"
)

// finalizer is what the admission of the API server puts on a class.
const finalizer = "kubernetes.io/vac-protection"

// Plan keeps the class while it is in use.
func (Controller) Plan(class *storagev1.VolumeAttributesClass, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	protection.Keep(p, class, finalizer, w.user, ask(class))
	return p
}
