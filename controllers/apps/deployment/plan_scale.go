package deployment

import (
	"cmp"
	"math"
	"slices"
)

// resized reports that the Deployment's size has changed since a ReplicaSet with pods was last scaled.
func (r *rollout) resized() bool {
	return slices.ContainsFunc(active(r.all()), func(m *member) bool {
		noted, ok := notedSize(m.ReplicaSet, desiredReplicasAnnotation)
		return ok && noted != desired(r.d)
	})
}

// resize brings the ReplicaSets to a new size of the Deployment, without going on with the rollout: neither the new nor
// the old ones gain on the others.
func (r *rollout) resize() {
	switch only := r.only(); {
	case only != nil:
		r.fit(only, desired(r.d))
	case r.saturated():
		for _, m := range active(r.old) {
			r.scale(m, 0, "all %d pods of the new ReplicaSet are available", desired(r.d))
		}
	case recreates(r.d):
		r.recreate()
	case len(active(r.all())) > 1:
		r.resizeInProportion()
	}
}

// only is the single member with pods or, where none has any, the new one or else the youngest; nil where several have.
func (r *rollout) only() *member {
	switch running := active(r.all()); {
	case len(running) == 1:
		return running[0]
	case len(running) > 1:
		return nil
	case r.current != nil:
		return r.current
	case len(r.old) > 0:
		return r.old[len(r.old)-1]
	default:
		return nil
	}
}

// fit scales m to n pods, or only notes the Deployment's size on it where it has them already.
func (r *rollout) fit(m *member, n int32) {
	if m.asked() != n {
		r.scale(m, n, "the Deployment was resized to %d", desired(r.d))
		return
	}
	m.why = append(m.why, "note the Deployment's size")
	noteSizes(m.wanted, r.d)
}

// saturated reports that the new ReplicaSet has all pods that are desired, knows it, and all of them are available.
func (r *rollout) saturated() bool {
	if r.current == nil {
		return false
	}
	want := desired(r.d)
	noted, ok := notedSize(r.current.ReplicaSet, desiredReplicasAnnotation)
	return ok && noted == want && r.current.asked() == want && r.current.available() == want
}

// resizeInProportion spreads the pods that are added or taken away over all ReplicaSets with pods, by their size. What
// rounding leaves over goes to the largest.
func (r *rollout) resizeInProportion() {
	members := active(r.all())
	total := int32(0)
	if desired(r.d) > 0 {
		total = maxTotal(r.d)
	}
	change := total - sum(members, (*member).asked)
	slices.SortStableFunc(members, largestFirst(change > 0))
	left := change
	shares := make([]int32, len(members))
	for i, m := range members {
		shares[i] = r.share(m, left)
		left -= shares[i]
	}
	if len(shares) > 0 {
		shares[0] += left
	}
	for i, m := range members {
		r.fit(m, max(0, m.asked()+shares[i]))
	}
}

// largestFirst orders members by size. Of equal ones the younger comes first where pods are added, and the older where
// they are taken away.
func largestFirst(growing bool) func(a, b *member) int {
	return func(a, b *member) int {
		if growing {
			return cmp.Or(cmp.Compare(b.asked(), a.asked()), byAge(b.ReplicaSet, a.ReplicaSet))
		}
		return cmp.Or(cmp.Compare(b.asked(), a.asked()), byAge(a.ReplicaSet, b.ReplicaSet))
	}
}

// share is what m gains or loses of a change of which so much is left: never more than that.
func (r *rollout) share(m *member, left int32) int32 {
	switch fraction := r.fraction(m); {
	case left > 0:
		return min(fraction, left)
	case left < 0:
		return max(fraction, left)
	default:
		return 0
	}
}

// fraction is what m gains or loses if it keeps its part of the whole. The whole, before the change, is noted on it; where
// that was tampered with the Deployment's number of pods has to do.
func (r *rollout) fraction(m *member) int32 {
	if desired(r.d) == 0 {
		return -m.asked()
	}
	before, _ := notedSize(m.ReplicaSet, maxReplicasAnnotation)
	if before == 0 {
		before = r.d.Status.Replicas
	}
	if before == 0 {
		return 0
	}
	after := float64(m.asked()) * float64(maxTotal(r.d)) / float64(before)
	return int32(math.Round(after)) - m.asked()
}
