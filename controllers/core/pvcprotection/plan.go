package pvcprotection

import (
	"context"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/protection"
	"github.com/orrery-dev/orrery/framework/plan"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// finalizer is what the admission of the API server puts on a claim.
const finalizer = "kubernetes.io/pvc-protection"

// Plan keeps the claim while it is in use, and says whether it is.
func (Controller) Plan(claim *ocorev1.PersistentVolumeClaim, w world, now time.Time) *plan.Plan {
	p := plan.New()
	report(p, claim, w, now)
	protection.Keep(p, claim, finalizer, named(w.holder), func(ctx context.Context, live client.Reader) (string, error) {
		w, err := ask(ctx, live, claim)
		return named(w.holder), err
	})
	return p
}

func named(pod *ocorev1.Pod) string {
	if pod == nil {
		return ""
	}
	return "pod " + pod.Name
}
