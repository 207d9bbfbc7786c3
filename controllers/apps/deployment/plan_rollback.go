package deployment

import (
	"fmt"
	"maps"
	"strconv"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	"github.com/orrery-dev/orrery/controllers/internal/podtemplate"
	"github.com/orrery-dev/orrery/framework/plan"
	appsv1 "k8s.io/api/apps/v1"
)

// kubectl rolls back by writing an old template into the Deployment itself. The oldest clients leave it to the
// controller: they name the revision in this annotation, with 0 for the one before the last.
const rollbackAnnotation = appsv1.DeprecatedRollbackTo

// rollsBack reports that a rollback is asked for. What is not a number is ignored.
func rollsBack(d *oappsv1.Deployment) bool {
	_, err := strconv.ParseInt(d.Annotations[rollbackAnnotation], 10, 64)
	return err == nil
}

// rollBack copies the template of the revision asked for into the Deployment. The rollout follows from that.
func (r *rollout) rollBack() *plan.Plan {
	number, _ := strconv.ParseInt(r.d.Annotations[rollbackAnnotation], 10, 64)
	target := r.target(number)
	switch {
	case target == nil && number == 0:
		return r.giveUp(reasonRevisionNotFound, "Unable to find last revision.")
	case target == nil:
		return r.giveUp(reasonRevisionNotFound, "Unable to find the revision to rollback to.")
	case target == r.newRS:
		return r.giveUp(reasonTemplateUnchanged, fmt.Sprintf("The rollback revision contains the same template as current deployment %q", r.d.Name))
	default:
		return r.rollBackTo(target)
	}
}

func (r *rollout) rollBackTo(target *oappsv1.ReplicaSet) *plan.Plan {
	p := plan.New()
	wanted := withoutRollback(r.d)
	restore(wanted, target)
	p.Patch(fmt.Sprintf("roll back to revision %d", revision(target)), r.d, wanted)
	p.Event(r.d, plan.Normal, reasonRollback, "Rolled back deployment %q to revision %d", r.d.Name, revision(target))
	return p
}

func (r *rollout) giveUp(reason, message string) *plan.Plan {
	p := plan.New()
	p.Patch("the rollback that was asked for is not possible", r.d, withoutRollback(r.d))
	p.Event(r.d, plan.Warning, reason, "%s", message)
	return p
}

func withoutRollback(d *oappsv1.Deployment) *oappsv1.Deployment {
	wanted := d.DeepCopy()
	delete(wanted.Annotations, rollbackAnnotation)
	return wanted
}

// target is the ReplicaSet of a revision; 0 stands for the one before the last. Nil means that there is none.
func (r *rollout) target(number int64) *oappsv1.ReplicaSet {
	if number == 0 {
		number = r.lastRevision()
	}
	for _, rs := range r.allRSs() {
		if number != 0 && revision(rs) == number {
			return rs
		}
	}
	return nil
}

// lastRevision is the second highest revision; 0 means that there is none.
func (r *rollout) lastRevision() int64 {
	var highest, second int64
	for _, rs := range r.allRSs() {
		switch n := revision(rs); {
		case n >= highest:
			highest, second = n, highest
		case n > second:
			second = n
		}
	}
	return second
}

// restore gives d the template that rs was made for, and the annotations that d had then.
func restore(d *oappsv1.Deployment, rs *oappsv1.ReplicaSet) {
	d.Spec.Template = *podtemplate.WithoutHash(&rs.Spec.Template)
	maps.DeleteFunc(d.Annotations, func(key, _ string) bool { return !ownAnnotation(key) })
	for key, value := range rs.Annotations {
		if !ownAnnotation(key) {
			d.Annotations[key] = value
		}
	}
}
