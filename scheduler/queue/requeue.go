package queue

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
)

// queueingStrategy is what an event means for a pod.
type queueingStrategy int

const (
	queueSkip queueingStrategy = iota
	queueAfterBackoff
	queueImmediately
)

// Requeue takes back a pod in flight whose attempt failed, with the plugins that refused it in the entry; none means that
// the attempt broke. info is the pod as it is now. What happened while it was in flight decides where it goes. The entry
// belongs to the queue again, and must not be touched.
func (q *Queue) Requeue(entry *Entry, info *nodeinfo.PodInfo) error {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	pod := info.GetPod()
	defer q.inFlight.done(entry.GetPod().UID)
	if pod.UID != entry.GetPod().UID {
		return fmt.Errorf("requeueing pod %s: it has been replaced by another of the same name", klog.KObj(pod))
	}
	if _, found := q.entries[pod.UID]; found {
		return fmt.Errorf("requeueing pod %s: it is in the queue already", klog.KObj(pod))
	}
	events := q.inFlight.eventsSince(pod.UID)
	entry.PodInfo = info
	if len(entry.rejectors()) == 0 {
		entry.Errors++
	} else {
		entry.Refused++
		entry.Errors = 0
	}
	entry.Added = q.options.Clock.Now()
	entry.Flushed = false
	q.setBackoff(entry)
	q.entries[pod.UID] = entry
	q.countRejectors(entry, +1)
	if name, grouped := q.groupOf(pod); grouped {
		q.returnMember(name, entry)
		return nil
	}
	q.requeue(entry, q.strategyFromInFlightEvents(entry, events), "ScheduleAttemptFailure")
	return nil
}

// strategyFromInFlightEvents decides by the events that came while a pod was in flight.
func (q *Queue) strategyFromInFlightEvents(entry *Entry, events []inFlightEvent) queueingStrategy {
	if len(entry.rejectors()) == 0 {
		return queueAfterBackoff
	}
	strongest := queueSkip
	for _, event := range events {
		strongest = max(strongest, q.isWorthRequeuing(entry, event.event, event.old, event.new))
	}
	return strongest
}

// requeue puts an entry where a decision says.
func (q *Queue) requeue(entry *Entry, decision queueingStrategy, event string) {
	switch {
	case decision == queueSkip:
		q.move(entry, unschedulable, event)
	case decision == queueImmediately || !q.backingOff(entry):
		q.activate(entry, event, true)
	case q.gated(entry):
		q.move(entry, unschedulable, event)
	case len(entry.rejectors()) == 0:
		q.move(entry, errorBackoff, event)
	default:
		q.move(entry, backoff, event)
	}
}

// Move brings back the unschedulable pods that an event may have made schedulable. Of these, check (nil: none) can leave
// some out.
func (q *Queue) Move(event fwk.ClusterEvent, old, new any, check func(*corev1.Pod) bool) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if !q.hints.interesting(event) {
		return
	}
	for _, entry := range q.unschedulable.concerned(event, q.hints) {
		if check != nil && !anyPod(entry, check) || entry.gate != "" && (!opensGate(entry, event) || q.stillHeld(entry)) {
			continue
		}
		if decision := q.isWorthRequeuing(entry, event, old, new); decision != queueSkip {
			q.requeue(entry, decision, event.Label())
		}
	}
	if q.inFlight.count() > 0 {
		q.inFlight.record(event, old, new)
	}
}

func anyPod(entry *Entry, check func(*corev1.Pod) bool) bool {
	for pod := range entry.pods() {
		if check(pod.GetPod()) {
			return true
		}
	}
	return false
}

func opensGate(entry *Entry, event fwk.ClusterEvent) bool {
	if framework.IsWildCard(event) {
		return true
	}
	for _, registered := range entry.gateEvents {
		if framework.Matches(registered, event) {
			return true
		}
	}
	return false
}

// Activate brings back the given pods, and the groups of those that have one, at once because a plugin says so. Pods that
// are not in the queue are ignored, those in flight come back when their attempt fails.
func (q *Queue) Activate(_ klog.Logger, pods map[string]*corev1.Pod) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	for _, pod := range pods {
		if q.inFlight.has(pod.UID) {
			q.inFlight.record(framework.PodActivated, nil, pod)
			continue
		}
		entry, found := q.entries[pod.UID]
		if name, grouped := q.groupOf(pod); grouped && found {
			entry = q.groups[name]
		}
		switch {
		case !found || entry.place == active || entry.place == incomplete:
		case entry.place == nowhere: // It came while its group is in flight.
			q.inFlight.record(framework.PodActivated, nil, pod)
		default:
			q.activate(entry, framework.PodActivated.Label(), entry.place == unschedulable)
		}
	}
}
