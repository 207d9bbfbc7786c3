package endpoints

import (
	"context"
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/servicepods"
	"github.com/orrery-dev/orrery/framework/plan"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Plan brings a Service's Endpoints in line with its pods, and deletes those of a Service that is gone.
func (Controller) Plan(key client.ObjectKey, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	switch {
	case w.service == nil:
		w.clear(p, key)
	case servicepods.Selects(w.service):
		w.write(p)
	}
	return p
}

// clear deletes Endpoints without a Service.
func (w world) clear(p *plan.Plan, key client.ObjectKey) {
	if w.endpoints == nil {
		return
	}
	if _, elects := w.endpoints.Annotations[resourcelock.LeaderElectionRecordAnnotationKey]; elects {
		return
	}
	p.Delete("their Service is gone", w.endpoints).Confirm(func(ctx context.Context, live client.Reader) error {
		service, err := serviceOf(ctx, live, key)
		if err == nil && service != nil {
			err = plan.Wait(time.Second, fmt.Errorf("deleting Endpoints %s: there is a Service of the name again", key))
		}
		return err
	})
}

// write creates the Endpoints, or has them say what they should.
func (w world) write(p *plan.Plan) {
	shall := wanted(w.service, w.pods, w.endpoints)
	why := fmt.Sprintf("%d pods selected", len(w.pods))
	switch {
	case w.endpoints == nil:
		p.Create(why, shall).Failed(notCreated(w.service))
	case shall != nil:
		p.Patch(why, w.endpoints, shall).Failed(notUpdated)
	}
}
