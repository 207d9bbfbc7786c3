package protection

import (
	"context"
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

// unseen is when to look again after a user that the cache does not show.
const unseen = 5 * time.Second

// Unused asks the API server itself who uses an object that the cache knows no user of. It returns the user, as in "pod web-0",
// or an empty string.
type Unused func(ctx context.Context, live client.Reader) (user string, err error)

// Keep plans to put the finalizer on an object that is not being deleted, and to take it off one that is and that nobody uses.
// User is who uses it, as in "pod web-0"; empty means nobody. Where it is not nil, confirm asks once more before the finalizer
// goes, and a user that it finds is waited for.
func Keep(p *plan.Plan, obj client.Object, finalizer, user string, confirm Unused) {
	switch {
	case obj.GetDeletionTimestamp() == nil:
		p.AddFinalizer("it must not go away while it is in use", obj, finalizer)
	case !controllerutil.ContainsFinalizer(obj, finalizer):
	case user != "":
		p.Because(fmt.Sprintf("it is being deleted, and %s uses it", user))
	default:
		step := p.RemoveFinalizer("it is being deleted, and nobody uses it", obj, finalizer)
		if confirm != nil {
			step.Confirm(confirm.check)
		}
	}
}

// check is an error while there is a user, whom the cache will show, and who wakes the loop then.
func (u Unused) check(ctx context.Context, live client.Reader) error {
	user, err := u(ctx, live)
	if err != nil {
		return err
	}
	if user != "" {
		return plan.Wait(unseen, fmt.Errorf("%s uses it, which the cache has not shown yet", user))
	}
	return nil
}
