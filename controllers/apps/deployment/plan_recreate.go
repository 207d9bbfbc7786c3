package deployment

import (
	"fmt"

	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"k8s.io/utils/ptr"
)

// recreate is one step of replacing all pods at once: scale the old ReplicaSets to nothing, wait until their pods have ended,
// and only then make the new one or scale it up.
func (r *rollout) recreate() []step {
	if s := r.stopOldRSs(); len(s) > 0 {
		return s
	}
	switch {
	case r.oldPodsRun():
		return nil
	case r.newRS == nil:
		return r.createNewRS(desired(r.d))
	case size(r.newRS) != desired(r.d):
		return []step{r.scale(r.newRS, desired(r.d), fmt.Sprintf("no old pod runs any more, %d pods desired", desired(r.d)))}
	default:
		return r.cleanUpWhenComplete()
	}
}

// stopOldRSs scales the old ReplicaSets to nothing.
func (r *rollout) stopOldRSs() []step {
	var steps []step
	for _, rs := range active(r.oldRSs) {
		steps = append(steps, r.scale(rs, 0, "the strategy Recreate starts new pods after the old ones have ended"))
	}
	return steps
}

// oldPodsRun reports whether any pod of an old ReplicaSet has not ended, or may yet be made. What the ReplicaSet reports
// counts as well as the pods in sight: each may be ahead of the other.
func (r *rollout) oldPodsRun() bool {
	for _, rs := range r.oldRSs {
		if lagging(rs) || rs.Status.Replicas > 0 || ptr.Deref(rs.Status.TerminatingReplicas, 0) > 0 {
			return true
		}
		for i := range r.world.pods[rs.UID] {
			if !replicas.Ended(&r.world.pods[rs.UID][i]) {
				return true
			}
		}
	}
	return false
}
