package deployment

import (
	"fmt"
	"slices"
)

// rollingUpdate is one step of a rolling update: make the new ReplicaSet, or scale it, or scale old ones down, or, when all is
// done, drop old revisions. Only one of these at a time, so that each is decided on what the one before has brought about.
func (r *rollout) rollingUpdate() []step {
	if r.newRS == nil {
		return r.createNewRS(r.growth(0))
	}
	if s := r.scaleNewRS(); len(s) > 0 {
		return s
	}
	if s := r.scaleDownOldRSs(); len(s) > 0 {
		return s
	}
	return r.cleanUpWhenComplete()
}

// growth is how many pods the new ReplicaSet may have, if it has n now: as many as are desired, and as the surge allows
// beside all pods that there may be. While a ReplicaSet has yet to take note of its size, that is not known.
func (r *rollout) growth(n int32) int32 {
	if slices.ContainsFunc(r.allRSs(), lagging) {
		return n
	}
	room := maxTotal(r.d) - sum(r.allRSs(), existing)
	return n + max(0, min(room, desired(r.d)-n))
}

// scaleNewRS scales the new ReplicaSet towards the desired number.
func (r *rollout) scaleNewRS() []step {
	have, want := size(r.newRS), desired(r.d)
	if have > want {
		return []step{r.scale(r.newRS, want, fmt.Sprintf("%d pods desired", want))}
	}
	if grown := r.growth(have); grown > have {
		return []step{r.scale(r.newRS, grown, fmt.Sprintf("%d pods exist or are asked for, at most %d allowed", sum(r.allRSs(), existing), maxTotal(r.d)))}
	}
	return nil
}

// scaleDownOldRSs takes old pods away as far as the others are available, of the oldest ReplicaSets first. Old pods that are
// not available go in any case: they serve nobody, and would block the rollout; a ReplicaSet deletes them before any other.
func (r *rollout) scaleDownOldRSs() []step {
	unavailable := size(r.newRS) - available(r.newRS)
	// Pods of the new ReplicaSet that are not available yet must not cost an old one its place.
	removable := sum(r.allRSs(), size) - minAvailable(r.d) - unavailable
	if removable <= 0 {
		return nil
	}
	serving := sum(r.allRSs(), available)
	spare := serving - minAvailable(r.d)
	var steps []step
	for _, rs := range active(r.oldRSs) {
		left, why := size(rs), []string(nil)
		if n := min(left-available(rs), removable); n > 0 && !lagging(rs) { // or which of its pods are available is not known now
			left, removable = left-n, removable-n
			why = append(why, fmt.Sprintf("%d old pods are not available", n))
		}
		if n := min(left, spare); n > 0 {
			left, spare = left-n, spare-n
			why = append(why, fmt.Sprintf("%d pods available, at least %d required", serving, minAvailable(r.d)))
		}
		if left < size(rs) {
			steps = append(steps, r.scale(rs, left, why...))
		}
	}
	return steps
}

// cleanUpWhenComplete drops old revisions once the rollout is over.
func (r *rollout) cleanUpWhenComplete() []step {
	if !complete(r.d, r.d.Status) {
		return nil
	}
	return r.cleanUp()
}
