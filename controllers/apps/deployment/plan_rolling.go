package deployment

import "slices"

// roll takes one step of a rolling update: make the new ReplicaSet, or scale it, or scale old ones down. Only one of
// these at a time, so that each is decided on what the one before has brought about.
func (r *rollout) roll() {
	r.rolling = true
	switch {
	case r.current == nil:
		r.create(r.growth(0))
	case r.scaleNew():
	case r.scaleDownOld():
	case complete(r.d, r.d.Status):
		r.forget()
	}
}

// growth is how many pods the new ReplicaSet may have, if it has n now: as many as are desired, and as the surge allows
// beside all pods that there may be. While a ReplicaSet has yet to take note of its size, that is not known.
func (r *rollout) growth(n int32) int32 {
	if slices.ContainsFunc(r.all(), (*member).unsettled) {
		return n
	}
	room := maxTotal(r.d) - sum(r.all(), (*member).held)
	return n + max(0, min(room, desired(r.d)-n))
}

// scaleNew scales the new ReplicaSet towards the desired number, and reports whether it did.
func (r *rollout) scaleNew() bool {
	have, want := r.current.asked(), desired(r.d)
	switch {
	case have > want:
		r.scale(r.current, want, "%d pods desired", want)
	case have < want:
		want = r.growth(have)
		if want == have {
			return false
		}
		r.scale(r.current, want, "%d pods exist or are asked for, at most %d allowed",
			sum(r.all(), (*member).held), maxTotal(r.d))
	default:
		return false
	}
	return true
}

// scaleDownOld takes old pods away as far as the others are available, and reports whether it did.
func (r *rollout) scaleDownOld() bool {
	if len(active(r.old)) == 0 {
		return false
	}
	unavailable := r.current.asked() - r.current.available()
	// Pods of the new ReplicaSet that are not available yet must not cost an old one its place.
	removable := sum(r.all(), (*member).asked) - minAvailable(r.d) - unavailable
	if removable <= 0 {
		return false
	}
	removed := r.removeUnhealthy(removable)
	removed += r.removeAvailable()
	return removed > 0
}

// removeUnhealthy takes away up to n old pods that are not available, of the oldest ReplicaSets first. They serve
// nobody, and would block the rollout. A ReplicaSet removes those before any other.
func (r *rollout) removeUnhealthy(n int32) int32 {
	removed := int32(0)
	for _, m := range active(r.old) {
		if m.unsettled() {
			continue // which of its pods are healthy is not known now
		}
		if unhealthy := min(m.asked()-m.available(), n-removed); unhealthy > 0 {
			r.scale(m, m.asked()-unhealthy, "%d old pods are not available", unhealthy)
			removed += unhealthy
		}
	}
	return removed
}

// removeAvailable takes away as many old pods as there are available ones beyond the least number, of the oldest
// ReplicaSets first.
func (r *rollout) removeAvailable() int32 {
	available := sum(r.all(), (*member).available)
	spare, removed := available-minAvailable(r.d), int32(0)
	for _, m := range active(r.old) {
		if n := min(m.asked(), spare-removed); n > 0 {
			r.scale(m, m.asked()-n, "%d pods available, at least %d required", available, minAvailable(r.d))
			removed += n
		}
	}
	return removed
}
