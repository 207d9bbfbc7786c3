package deployment

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
)

// resized reports that the Deployment's size has changed since a ReplicaSet with pods was last scaled. Recreate does not
// resize several side by side: it stops all but one of them anyway.
func (r *rollout) resized() bool {
	if recreates(r.d) && r.activeOrLatest() == nil && !r.saturated() {
		return false
	}
	return slices.ContainsFunc(active(r.allRSs()), func(rs *oappsv1.ReplicaSet) bool {
		noted, ok := notedSize(rs, desiredReplicasAnnotation)
		return ok && noted != desired(r.d)
	})
}

// resize brings the ReplicaSets to a new size of the Deployment, without going on with the rollout: neither the new nor
// the old ones gain on the others.
func (r *rollout) resize() []step {
	switch only := r.activeOrLatest(); {
	case only != nil:
		return r.fit(only, desired(r.d))
	case r.saturated():
		return r.scaleOldRSsToZero()
	case recreates(r.d):
		return nil
	default:
		return r.resizeInProportion()
	}
}

// activeOrLatest is the single ReplicaSet with pods or, where none has any, the new one or else the youngest; nil where
// several have.
func (r *rollout) activeOrLatest() *oappsv1.ReplicaSet {
	switch running := active(r.allRSs()); {
	case len(running) == 1:
		return running[0]
	case len(running) > 1:
		return nil
	case r.newRS != nil:
		return r.newRS
	case len(r.oldRSs) > 0:
		return r.oldRSs[len(r.oldRSs)-1]
	default:
		return nil
	}
}

// saturated reports that the new ReplicaSet has all pods that are desired, knows it, and all of them are available.
func (r *rollout) saturated() bool {
	if r.newRS == nil {
		return false
	}
	want := desired(r.d)
	noted, ok := notedSize(r.newRS, desiredReplicasAnnotation)
	return ok && noted == want && size(r.newRS) == want && available(r.newRS) == want
}

func (r *rollout) scaleOldRSsToZero() []step {
	var steps []step
	for _, rs := range active(r.oldRSs) {
		steps = append(steps, r.scale(rs, 0, fmt.Sprintf("all %d pods of the new ReplicaSet are available", desired(r.d))))
	}
	return steps
}

// resizeInProportion spreads the pods that are added or taken away over all ReplicaSets with pods, by their size. What
// rounding leaves over goes to the largest.
func (r *rollout) resizeInProportion() []step {
	sets := active(r.allRSs())
	if len(sets) == 0 {
		return nil
	}
	total := int32(0)
	if desired(r.d) > 0 {
		total = maxTotal(r.d)
	}
	left := total - sum(sets, size)
	slices.SortStableFunc(sets, largestFirst(left > 0))
	shares := make([]int32, len(sets))
	for i, rs := range sets {
		shares[i] = r.share(rs, left)
		left -= shares[i]
	}
	shares[0] += left
	var steps []step
	for i, rs := range sets {
		steps = append(steps, r.fit(rs, max(0, size(rs)+shares[i]))...)
	}
	return steps
}

// largestFirst orders ReplicaSets by size. Of equal ones the younger comes first where pods are added, and the older where
// they are taken away.
func largestFirst(growing bool) func(a, b *oappsv1.ReplicaSet) int {
	return func(a, b *oappsv1.ReplicaSet) int {
		if growing {
			return cmp.Or(cmp.Compare(size(b), size(a)), byAge(b, a))
		}
		return cmp.Or(cmp.Compare(size(b), size(a)), byAge(a, b))
	}
}

// share is what a ReplicaSet gains or loses of a change of which so much is left: never more than that.
func (r *rollout) share(rs *oappsv1.ReplicaSet, left int32) int32 {
	switch fraction := r.fraction(rs); {
	case left > 0:
		return min(fraction, left)
	case left < 0:
		return max(fraction, left)
	default:
		return 0
	}
}

// fraction is what a ReplicaSet gains or loses if it keeps its part of the whole. The whole, before the change, is noted on
// it; where that was tampered with the Deployment's number of pods has to do.
func (r *rollout) fraction(rs *oappsv1.ReplicaSet) int32 {
	if desired(r.d) == 0 {
		return -size(rs)
	}
	before, _ := notedSize(rs, maxReplicasAnnotation)
	if before == 0 {
		before = r.d.Status.Replicas
	}
	if before == 0 {
		return 0
	}
	after := float64(size(rs)) * float64(maxTotal(r.d)) / float64(before)
	return int32(math.Round(after)) - size(rs)
}
