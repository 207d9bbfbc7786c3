package deployment

import (
	"reflect"
	"time"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Plan takes one step of a rollout or of scaling, and reports.
func (Controller) Plan(d *oappsv1.Deployment, w world, now time.Time) *plan.Plan {
	p := plan.New()
	r := newRollout(d, w, now)
	switch {
	case selectsEverything(d):
		refuse(p, d)
		return p
	case w.claims.Open():
		w.claims.Settle(p, d) // whose ReplicaSets they are is decided: the next pass counts them
		return p
	case d.DeletionTimestamp != nil:
		r.report(p) // the ReplicaSets are the garbage collector's
		return p
	}
	r.keepCurrent()
	switch {
	case d.Spec.Paused:
		r.resize()
		r.forget()
	case r.rollsBack() && r.current != nil:
		r.rollBack(p)
		return p
	case r.resized():
		r.resize()
	case recreates(d):
		r.recreate()
	default:
		r.roll()
	}
	r.write(p)
	return p
}

// selectsEverything recognises an empty selector, which would adopt all that nobody controls.
func selectsEverything(d *oappsv1.Deployment) bool {
	return reflect.DeepEqual(d.Spec.Selector, &metav1.LabelSelector{})
}

// refuse says once for each generation that d is not worked on.
func refuse(p *plan.Plan, d *oappsv1.Deployment) {
	if d.Status.ObservedGeneration >= d.Generation {
		return
	}
	p.Event(d, plan.Warning, reasonSelectingAll, "This deployment is selecting all pods. A non-empty selector is required.")
	seen := d.DeepCopy()
	seen.Status.ObservedGeneration = d.Generation
	p.Status(d, seen)
}
