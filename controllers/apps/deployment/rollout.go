package deployment

import (
	"fmt"
	"slices"
	"strings"
	"time"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// rollout is a Deployment and its ReplicaSets, with what this pass has decided so far.
type rollout struct {
	d     *oappsv1.Deployment
	world world
	now   time.Time

	// current has the Deployment's template; nil means that there is none yet.
	current *member
	// old are all others, the oldest first.
	old []*member

	// created is the new ReplicaSet that this pass makes; nil means none.
	created *oappsv1.ReplicaSet
	// collided says that another ReplicaSet has the name that the new one was to get.
	collided bool
	// forgotten are old ReplicaSets that are beyond the history limit.
	forgotten []*member
	// rolling says that this pass is for a rollout, so that its progress counts; scaling is not.
	rolling bool
}

// member is one ReplicaSet of a rollout: as observed, and as it shall be.
type member struct {
	*oappsv1.ReplicaSet
	wanted *oappsv1.ReplicaSet
	why    []string
}

// newRollout sorts d's ReplicaSets. Of several with its template the oldest is the new one.
func newRollout(d *oappsv1.Deployment, w world, now time.Time) *rollout {
	r := &rollout{d: d, world: w, now: now}
	sets := slices.Clone(w.claims.Held)
	slices.SortFunc(sets, byAge)
	for _, rs := range sets {
		m := &member{ReplicaSet: rs, wanted: rs.DeepCopy()}
		if r.current == nil && sameTemplate(&rs.Spec.Template, &d.Spec.Template) {
			r.current = m
		} else {
			r.old = append(r.old, m)
		}
	}
	return r
}

// byAge orders ReplicaSets, the oldest first, and by name those of one second.
func byAge(a, b *oappsv1.ReplicaSet) int {
	if order := a.CreationTimestamp.Compare(b.CreationTimestamp.Time); order != 0 {
		return order
	}
	return strings.Compare(a.Name, b.Name)
}

// all are the members, the old ones first.
func (r *rollout) all() []*member {
	if r.current == nil {
		return slices.Clone(r.old)
	}
	return append(slices.Clone(r.old), r.current)
}

// active are the members that are asked for pods.
func active(members []*member) []*member {
	return slices.DeleteFunc(slices.Clone(members), func(m *member) bool { return m.asked() == 0 })
}

// sum adds up one figure of several members.
func sum(members []*member, figure func(*member) int32) int32 {
	total := int32(0)
	for _, m := range members {
		total += figure(m)
	}
	return total
}

// asked is how many pods the ReplicaSet is asked for, with what this pass has decided.
func (m *member) asked() int32 { return size(m.wanted) }

func size(rs *oappsv1.ReplicaSet) int32 {
	if rs.Spec.Replicas == nil {
		return defaultReplicas
	}
	return *rs.Spec.Replicas
}

// held is how many pods there may be: those that are asked for, or more while the others have not gone yet.
func (m *member) held() int32 { return max(m.asked(), m.Status.Replicas) }

// unsettled reports that the ReplicaSet's status speaks of an earlier spec. Then pods may yet be made or deleted for that.
func (m *member) unsettled() bool { return m.Status.ObservedGeneration < m.Generation }

// available is how many pods can be relied on. A status from before the last change of spec says nothing about which
// pods are left.
func (m *member) available() int32 {
	if m.unsettled() {
		return 0
	}
	return min(m.Status.AvailableReplicas, m.asked())
}

// scale asks m for n pods, and notes on it what the Deployment's size was then.
func (r *rollout) scale(m *member, n int32, format string, args ...any) {
	m.why = append(m.why, fmt.Sprintf("scale from %d to %d: ", m.asked(), n)+fmt.Sprintf(format, args...))
	m.wanted.Spec.Replicas = &n
	noteSizes(m.wanted, r.d)
}

// create decides to make the new ReplicaSet, with n pods, in a pass of its own.
func (r *rollout) create(n int32) {
	if taken := r.world.namesake; taken != nil {
		// The same ReplicaSet may just have come into sight, after the list was read.
		r.collided = !metav1.IsControlledBy(taken, r.d) || !sameTemplate(&taken.Spec.Template, &r.d.Spec.Template)
		return
	}
	r.created = newReplicaSet(r.d)
	r.created.Spec.Replicas = &n
	copyAnnotations(r.created, r.d)
	raiseRevision(r.created, r.nextRevision())
	noteSizes(r.created, r.d)
}

// write turns what was decided into steps.
func (r *rollout) write(p *plan.Plan) {
	if r.created != nil {
		p.Create(fmt.Sprintf("revision %d has none yet", revision(r.created)), r.created).
			OwnedBy(r.d).
			Succeeded(scaledFromNothing(r.d)).
			Failed(notCreated(r.d))
	}
	for _, m := range r.all() {
		p.Patch(strings.Join(m.why, "; "), m.ReplicaSet, m.wanted)
		if from, to := size(m.ReplicaSet), m.asked(); from != to {
			scaled := scaledReplicaSet(m.Name, from, to)
			p.Event(r.d, plan.Normal, reasonScalingReplicaSet, "%s", scaled)
		}
	}
	if r.current != nil {
		r.revise(p, revision(r.current.wanted))
	}
	if limit, ok := historyLimit(r.d); ok {
		p.Delete(fmt.Sprintf("it has no pods, and at most %d old ReplicaSets are kept", limit), objects(r.forgotten)...).Unchanged()
	}
	r.report(p)
}

func objects(members []*member) []client.Object {
	objs := make([]client.Object, len(members))
	for i, m := range members {
		objs[i] = m.ReplicaSet
	}
	return objs
}
