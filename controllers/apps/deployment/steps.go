package deployment

import (
	"fmt"
	"slices"
	"strings"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	"github.com/orrery-dev/orrery/controllers/internal/podtemplate"
	"github.com/orrery-dev/orrery/framework/plan"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// step is one thing that a pass does about ReplicaSets. The branches of Plan return steps: they go into the plan as they are,
// and the status speaks of them.
type step interface {
	// add adds the step to the plan for a Deployment.
	add(p *plan.Plan, d *oappsv1.Deployment)
}

// create makes the new ReplicaSet.
type create struct{ rs *oappsv1.ReplicaSet }

func (s create) add(p *plan.Plan, d *oappsv1.Deployment) {
	p.Create(fmt.Sprintf("revision %d has none yet", revision(s.rs)), s.rs).
		OwnedBy(d).
		Succeeded(scaledFromNothing(d)).
		Failed(notCreated(d))
}

// collision finds that somebody else has the name that the new ReplicaSet was to get. The status counts it, and by that the
// next pass has another name.
type collision struct{}

func (collision) add(*plan.Plan, *oappsv1.Deployment) {}

// update changes a ReplicaSet, most often its size.
type update struct {
	observed, wanted *oappsv1.ReplicaSet
	why              string
}

func (s update) add(p *plan.Plan, d *oappsv1.Deployment) {
	p.Patch(s.why, s.observed, s.wanted)
	if from, to := size(s.observed), size(s.wanted); from != to {
		p.Event(d, plan.Normal, reasonScalingReplicaSet, "%s", scaledReplicaSet(s.observed.Name, from, to))
	}
}

// cleanup deletes old ReplicaSets without pods that are beyond the history limit.
type cleanup struct {
	sets  []*oappsv1.ReplicaSet
	limit int
}

func (s cleanup) add(p *plan.Plan, _ *oappsv1.Deployment) {
	plan.DeleteAll(p, fmt.Sprintf("it has no pods, and at most %d old ReplicaSets are kept", s.limit), s.sets).Unchanged()
}

// createNewRS makes the new ReplicaSet, with n pods, in a pass of its own.
func (r *rollout) createNewRS(n int32) []step {
	if taken := r.world.namesake; taken != nil {
		if metav1.IsControlledBy(taken, r.d) && podtemplate.Same(&taken.Spec.Template, &r.d.Spec.Template) {
			return nil // it has just come into sight, after the list was read
		}
		return []step{collision{}}
	}
	rs := newReplicaSet(r.d)
	rs.Spec.Replicas = &n
	copyAnnotations(rs, r.d)
	raiseRevision(rs, r.nextRevision())
	noteSizes(rs, r.d)
	return []step{create{rs}}
}

// scale asks a ReplicaSet for n pods, and notes on it what the Deployment's size was then.
func (r *rollout) scale(rs *oappsv1.ReplicaSet, n int32, why ...string) step {
	wanted := rs.DeepCopy()
	wanted.Spec.Replicas = &n
	noteSizes(wanted, r.d)
	return update{rs, wanted, fmt.Sprintf("scale from %d to %d: %s", size(rs), n, strings.Join(why, ", and "))}
}

// fit scales a ReplicaSet to the Deployment's new size, or only notes that size on it where it has its pods already. Where
// nothing differs there is nothing to do.
func (r *rollout) fit(rs *oappsv1.ReplicaSet, n int32) []step {
	if size(rs) != n {
		return []step{r.scale(rs, n, fmt.Sprintf("the Deployment was resized to %d", desired(r.d)))}
	}
	wanted := rs.DeepCopy()
	noteSizes(wanted, r.d)
	if equality.Semantic.DeepEqual(rs, wanted) {
		return nil
	}
	return []step{update{rs, wanted, fmt.Sprintf("note the Deployment's size, %d", desired(r.d))}}
}

// created is the new ReplicaSet that steps make; nil if they make none.
func created(steps []step) *oappsv1.ReplicaSet {
	for _, s := range steps {
		if c, ok := s.(create); ok {
			return c.rs
		}
	}
	return nil
}

// collided reports that steps count a collision.
func collided(steps []step) bool { return slices.Contains(steps, step(collision{})) }

// after is a ReplicaSet as some steps make it.
func after(steps []step, rs *oappsv1.ReplicaSet) *oappsv1.ReplicaSet {
	for _, s := range steps {
		if u, ok := s.(update); ok && u.observed == rs {
			return u.wanted
		}
	}
	return rs
}
