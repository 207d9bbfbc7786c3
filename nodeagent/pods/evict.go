package pods

import (
	"cmp"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/nodeagent/status"
)

// evicted is the kubelet's reason for a pod that was ended because of what it used.
const evicted = "Evicted"

// Eviction is how a pod is ended by its node.
type Eviction struct {
	// Reason is the pod's; Evicted if empty.
	Reason string
	// Message says why.
	Message string
	// Grace is what its containers get to end; 2 s at least.
	Grace time.Duration
	// Disrupts: the pod did nothing wrong. It gets the condition DisruptionTarget, by which Jobs tell that from a failure of its own.
	Disrupts bool
}

// Evict fails a pod, and ends it at once. It says whether the pod had not failed before.
func (l *Loop) Evict(uid types.UID, e Eviction) bool {
	done := false
	l.change(uid, func(w *worker) {
		if w.memory.Failure == nil {
			done, w.memory.EvictionGrace = true, &e.Grace
			w.memory.Failure = &status.Failure{Reason: cmp.Or(e.Reason, evicted), Message: e.Message, Disrupts: e.Disrupts}
		}
	})
	if done {
		l.Wake(uid)
		l.wakePending()
	}
	return done
}

// Ended says whether nothing of a pod runs any more, and what it had on the node is gone.
func (l *Loop) Ended(uid types.UID) bool {
	ended := true
	l.change(uid, func(w *worker) { ended = w.memory.Cleaned })
	return ended
}
