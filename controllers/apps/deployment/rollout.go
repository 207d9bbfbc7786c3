package deployment

import (
	"slices"
	"strings"
	"time"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	"github.com/orrery-dev/orrery/controllers/internal/podtemplate"
)

// rollout is a Deployment and its ReplicaSets, in the terms of a rollout. Nothing changes it.
type rollout struct {
	d     *oappsv1.Deployment
	world world
	now   time.Time
	// newRS has the Deployment's template; nil means that there is none yet.
	newRS *oappsv1.ReplicaSet
	// oldRSs are all others, the oldest first.
	oldRSs []*oappsv1.ReplicaSet
}

// newRollout sorts d's ReplicaSets. Of several with its template the oldest is the new one.
func newRollout(d *oappsv1.Deployment, w world, now time.Time) *rollout {
	r := &rollout{d: d, world: w, now: now}
	for _, rs := range slices.SortedFunc(slices.Values(w.claims.Held), byAge) {
		if r.newRS == nil && podtemplate.Same(&rs.Spec.Template, &d.Spec.Template) {
			r.newRS = rs
		} else {
			r.oldRSs = append(r.oldRSs, rs)
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

// allRSs are the ReplicaSets, the old ones first.
func (r *rollout) allRSs() []*oappsv1.ReplicaSet {
	if r.newRS == nil {
		return slices.Clone(r.oldRSs)
	}
	return append(slices.Clone(r.oldRSs), r.newRS)
}

// active are the ReplicaSets that are asked for pods.
func active(sets []*oappsv1.ReplicaSet) []*oappsv1.ReplicaSet {
	return slices.DeleteFunc(slices.Clone(sets), func(rs *oappsv1.ReplicaSet) bool { return size(rs) == 0 })
}

// sum adds up one figure of several ReplicaSets.
func sum(sets []*oappsv1.ReplicaSet, figure func(*oappsv1.ReplicaSet) int32) int32 {
	total := int32(0)
	for _, rs := range sets {
		total += figure(rs)
	}
	return total
}

// size is how many pods a ReplicaSet is asked for.
func size(rs *oappsv1.ReplicaSet) int32 {
	if rs.Spec.Replicas == nil {
		return defaultReplicas
	}
	return max(0, *rs.Spec.Replicas)
}

// existing is how many pods there may be: those that are asked for, or more while the others have not gone yet.
func existing(rs *oappsv1.ReplicaSet) int32 { return max(size(rs), rs.Status.Replicas) }

// lagging reports that a ReplicaSet's status speaks of an earlier spec. Then pods may yet be made or deleted for that.
func lagging(rs *oappsv1.ReplicaSet) bool { return rs.Status.ObservedGeneration < rs.Generation }

// available is how many pods of a ReplicaSet can be relied on. A status from before the last change of spec says nothing
// about which pods are left.
func available(rs *oappsv1.ReplicaSet) int32 {
	if lagging(rs) {
		return 0
	}
	return min(rs.Status.AvailableReplicas, size(rs))
}
