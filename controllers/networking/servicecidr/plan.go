package servicecidr

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	finalizer = "networking.k8s.io/service-cidr-finalizer"
	// grace is how long a ServiceCIDR that is being deleted is kept at least.
	grace = 10 * time.Second
)

// Plan keeps a ServiceCIDR while addresses of it are in use, and says whether it is ready.
func (Controller) Plan(cidr *networkingv1.ServiceCIDR, w world, now time.Time) *plan.Plan {
	p := plan.New()
	switch {
	case cidr.DeletionTimestamp == nil:
		p.AddFinalizer("it must not go away while addresses of it are in use", cidr, finalizer)
		report(p, cidr, ready, now)
	case !slices.Contains(cidr.Finalizers, finalizer):
	case w.orphan.IsValid():
		p.Because(fmt.Sprintf("it is being deleted, and no other ServiceCIDR holds address %s", w.orphan))
		report(p, cidr, terminating, now)
	default:
		remove(p, cidr, now)
	}
	return p
}

// remove plans to let go of a ServiceCIDR that no address needs, when its time has come.
func remove(p *plan.Plan, cidr *networkingv1.ServiceCIDR, now time.Time) {
	if wait := cidr.DeletionTimestamp.Add(grace).Sub(now); wait > 0 {
		p.After(wait, "by then API servers give out no addresses of it")
		return
	}
	p.RemoveFinalizer("it is being deleted, and no address needs it", cidr, finalizer).
		Confirm(func(ctx context.Context, live client.Reader) error {
			w, err := look(ctx, live, cidr)
			if err == nil && w.orphan.IsValid() {
				err = plan.Wait(time.Second, fmt.Errorf("address %s is in use, which the cache has not shown yet", w.orphan))
			}
			return err
		})
}
