package queue

import (
	"container/list"

	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/metrics"
)

// inFlight is one sequence of the pods in flight and the events since then: a pod stands where it was popped, and the
// events after it came while it was in flight. Events before the first pod concern nobody and are dropped.
type inFlight struct {
	sequence *list.List // of types.UID and inFlightEvent
	pods     map[types.UID]*list.Element
}

type inFlightEvent struct {
	event    fwk.ClusterEvent
	old, new any
}

func newInFlight() inFlight {
	return inFlight{sequence: list.New(), pods: map[types.UID]*list.Element{}}
}

func (f inFlight) has(uid types.UID) bool { return f.pods[uid] != nil }
func (f inFlight) count() int             { return len(f.pods) }

func (f inFlight) add(uid types.UID) {
	f.pods[uid] = f.sequence.PushBack(uid)
	metrics.InFlightEvents.WithLabelValues("PodPopped").Inc()
}

func (f inFlight) record(event fwk.ClusterEvent, old, new any) {
	f.sequence.PushBack(inFlightEvent{event, old, new})
	metrics.InFlightEvents.WithLabelValues(event.Label()).Inc()
}

// eventsSince returns the events that came while a pod was in flight, oldest first.
func (f inFlight) eventsSince(uid types.UID) []inFlightEvent {
	element := f.pods[uid]
	if element == nil {
		return nil
	}
	var events []inFlightEvent
	for element = element.Next(); element != nil; element = element.Next() {
		if event, ok := element.Value.(inFlightEvent); ok {
			events = append(events, event)
		}
	}
	return events
}

func (f inFlight) done(uid types.UID) {
	element := f.pods[uid]
	if element == nil {
		return
	}
	delete(f.pods, uid)
	f.sequence.Remove(element)
	metrics.InFlightEvents.WithLabelValues("PodPopped").Dec()
	for first := f.sequence.Front(); first != nil; first = f.sequence.Front() {
		event, ok := first.Value.(inFlightEvent)
		if !ok {
			return
		}
		f.sequence.Remove(first)
		metrics.InFlightEvents.WithLabelValues(event.event.Label()).Dec()
	}
}
