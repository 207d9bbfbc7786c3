package queue

import (
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/metrics"
)

// RequeueGroup ends the attempt to schedule a group, after each of its members has been Done or Requeued. What is left of
// it, and what has come meanwhile, goes back to the queue:
//
//   - after a success at once, because members that are left may now preempt for themselves
//   - after a refusal when an event comes that a plugin cares for which refused a member or, as the status names it, the
//     group; or after a back-off where no plugin did
//   - after an error after a back-off
//   - after a back-off in any case if a member came back meanwhile which could not be bound
func (q *Queue) RequeueGroup(entry *Entry, status *fwk.Status) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	events := q.inFlight.eventsSince(entry.key())
	defer q.inFlight.done(entry.key())
	attempted, late := len(entry.popped), entry.late
	entry.popped, entry.inFlight, entry.Flushed, entry.blocked, entry.late = nil, false, false, nil, nil
	metrics.PendingPods.WithLabelValues(metrics.QueuePending).Sub(float64(len(entry.members)))
	if len(entry.members) == 0 {
		q.dropIfEmpty(entry)
		return
	}
	q.takeRejectors(entry, status)
	const event = "ScheduleAttemptFailure"
	if entry.object == nil {
		q.move(entry, incomplete, event)
		return
	}
	if late != nil {
		q.waitOut(entry, late)
		return
	}
	if status.IsSuccess() {
		entry.Refused, entry.Errors = 0, 0
		if !anyTried(entry) || attempted == 0 {
			entry.Added = q.options.Clock.Now() // All of them are new. Otherwise the group keeps its place in the order.
		}
		q.setBackoff(entry)
		q.activate(entry, event, true)
		return
	}
	if status.IsRejected() {
		entry.Refused++
		entry.Errors = 0
	} else {
		entry.Errors++
	}
	entry.Added = q.options.Clock.Now()
	q.setBackoff(entry)
	q.requeue(entry, q.strategyFromInFlightEvents(entry, events), event)
}

// anyTried reports whether a member was part of an attempt before.
func anyTried(entry *Entry) bool {
	for pod := range entry.pods() {
		if pod.Attempts > 0 {
			return true
		}
	}
	return false
}

// takeRejectors notes which plugins refused the group or a member. After an error nobody did.
func (q *Queue) takeRejectors(entry *Entry, status *fwk.Status) {
	entry.UnschedulablePlugins, entry.PendingPlugins = nil, nil
	if !status.IsRejected() {
		return
	}
	refused, pending := sets.New[string](), sets.New[string]()
	if status.Plugin() != "" {
		refused.Insert(status.Plugin())
	}
	for pod := range entry.pods() {
		refused = refused.Union(pod.UnschedulablePlugins)
		pending = pending.Union(pod.PendingPlugins)
	}
	entry.UnschedulablePlugins, entry.PendingPlugins = refused, pending
}

// groupGated asks the PreEnqueue plugins about each pod, first the one that was held back last.
func (q *Queue) groupGated(entry *Entry) bool {
	if blocked := entry.blocked; blocked != nil && entry.members[blocked.GetPod().UID] == blocked && q.gated(blocked) {
		q.setGated(entry, blocked.gate)
		return true
	}
	for pod := range entry.pods() {
		if pod != entry.blocked && q.gated(pod) {
			q.setGated(entry, pod.gate)
			entry.blocked = pod
			return true
		}
	}
	entry.blocked = nil
	q.setGate(entry, "")
	return false
}

// isGroupWorthRequeuing asks about the pod that is held back or, where none is, about each pod. A pod that was placed
// itself is asked about as well: had it another place, the ones that were refused could have its first.
func (q *Queue) isGroupWorthRequeuing(entry *Entry, event fwk.ClusterEvent, old, new any) queueingStrategy {
	rejectors := entry.rejectors()
	if blocked := entry.blocked; entry.gate != "" && blocked != nil {
		return q.isPodWorthRequeuing(blocked, rejectors.Union(blocked.rejectors()), entry.PendingPlugins.Union(blocked.PendingPlugins), event, old, new)
	}
	if !framework.IsWildCard(event) && !q.hints.concern(entry.profile(), event, rejectors) {
		return queueSkip
	}
	strongest := queueSkip
	for pod := range entry.pods() {
		strongest = max(strongest, q.isPodWorthRequeuing(pod, rejectors, entry.PendingPlugins, event, old, new))
		if strongest == queueImmediately {
			break
		}
		if strongest == queueAfterBackoff && len(entry.PendingPlugins) == 0 {
			break
		}
	}
	return strongest
}
