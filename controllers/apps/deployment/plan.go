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
	r := newRollout(d, w, now)
	switch {
	case selectsEverything(d):
		return refuse(d)
	case w.claims.Open():
		return claim(d, w) // whose ReplicaSets they are is decided: the next pass counts them
	case d.DeletionTimestamp != nil:
		return r.sync() // the ReplicaSets are the garbage collector's
	case r.newRS != nil && r.differs():
		return r.sync(r.updateNewRS()...)
	case d.Spec.Paused:
		return r.sync(r.whilePaused()...)
	case r.newRS != nil && rollsBack(d):
		return r.rollBack()
	case r.resized():
		return r.sync(r.resize()...)
	case recreates(d):
		return r.syncRollout(r.recreate()...)
	default:
		return r.syncRollout(r.rollingUpdate()...)
	}
}

// selectsEverything recognises an empty selector, which would adopt all that nobody controls.
func selectsEverything(d *oappsv1.Deployment) bool {
	return reflect.DeepEqual(d.Spec.Selector, &metav1.LabelSelector{})
}

// refuse says that d is not worked on.
func refuse(d *oappsv1.Deployment) *plan.Plan {
	p := plan.New()
	p.EventOnce(d, plan.Warning, reasonSelectingAll, "This deployment is selecting all pods. A non-empty selector is required.")
	seen := d.DeepCopy()
	seen.Status.ObservedGeneration = d.Generation
	p.Status(d, seen)
	return p
}

// claim adopts and releases ReplicaSets.
func claim(d *oappsv1.Deployment, w world) *plan.Plan {
	p := plan.New()
	w.claims.Settle(p, d)
	return p
}

// sync is the plan of a pass that is for no rollout: what it does about ReplicaSets, and the status without progress.
func (r *rollout) sync(s ...step) *plan.Plan { return report{rollout: r, steps: s}.plan() }

// syncRollout is the plan of a pass that is for a rollout: the status says how it gets on.
func (r *rollout) syncRollout(s ...step) *plan.Plan {
	return report{rollout: r, steps: s, rolling: true}.plan()
}

// whilePaused only scales, and drops old revisions: nothing is rolled.
func (r *rollout) whilePaused() []step {
	if s := r.resize(); len(s) > 0 {
		return s
	}
	return r.cleanUp()
}
