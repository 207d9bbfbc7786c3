package deployment

import (
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"k8s.io/utils/ptr"
)

// recreate takes one step of replacing all pods at once: scale the old ReplicaSets to nothing, wait until their pods
// have ended, and only then make the new one or scale it up.
func (r *rollout) recreate() {
	r.rolling = true
	switch {
	case r.stopOld():
	case r.oldPodsRun():
	case r.current == nil:
		r.create(desired(r.d))
	case r.current.asked() != desired(r.d):
		r.scale(r.current, desired(r.d), "no old pod runs any more, %d pods desired", desired(r.d))
	case complete(r.d, r.d.Status):
		r.forget()
	}
}

// stopOld scales the old ReplicaSets to nothing, and reports whether any was left to scale.
func (r *rollout) stopOld() bool {
	running := active(r.old)
	for _, m := range running {
		r.scale(m, 0, "the strategy Recreate starts new pods after the old ones have ended")
	}
	return len(running) > 0
}

// oldPodsRun reports whether any pod of an old ReplicaSet has not ended, or may yet be made. What the ReplicaSet reports
// counts as well as the pods in sight: each may be ahead of the other.
func (r *rollout) oldPodsRun() bool {
	for _, m := range r.old {
		if m.unsettled() || m.Status.Replicas > 0 || ptr.Deref(m.Status.TerminatingReplicas, 0) > 0 {
			return true
		}
		for i := range r.world.pods[m.UID] {
			if !replicas.Ended(&r.world.pods[m.UID][i]) {
				return true
			}
		}
	}
	return false
}
