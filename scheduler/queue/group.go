package queue

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/metrics"
	"github.com/orrery-dev/orrery/scheduler/podgroups"
)

var podAdded = fwk.ClusterEvent{Resource: fwk.UnscheduledPod, ActionType: fwk.Add}

// grouping is what an Entry of a pod group has that one of a pod has not.
type grouping struct {
	name      types.NamespacedName
	object    *schedulingv1beta1.PodGroup // nil where it has not been seen
	scheduler string                      // of the member that came first
	// members are those in the queue, by UID. While the group is in flight they are the ones that came meanwhile.
	members  map[types.UID]*Entry
	popped   []*Entry
	inFlight bool   // the group is in flight
	blocked  *Entry // the member that a PreEnqueue plugin holds back, if one does
	late     *Entry // a member of an earlier attempt that could not be bound, and came back while the group is in flight
}

func (g *grouping) priority() int32 {
	if g.object == nil || g.object.Spec.Priority == nil {
		return 0
	}
	return *g.object.Spec.Priority
}

// GroupName returns the name of the group; of a pod's entry it is empty.
func (e *Entry) GroupName() types.NamespacedName {
	if e.grouping == nil {
		return types.NamespacedName{}
	}
	return e.grouping.name
}

// Members returns the pods of a group in flight, in the order in which they are to be decided on: by priority, then those
// that have been tried more often, then those that came earlier, then by name.
func (e *Entry) Members() []*Entry {
	if e.grouping == nil {
		return nil
	}
	return e.grouping.popped
}

func keyOf(group types.NamespacedName) types.UID {
	return types.UID(fwk.PodGroupKey(group.Namespace, group.Name).String())
}

// UseGroups makes the queue keep the pods of a group together. Without it every pod is on its own. Call it before the
// first pod comes.
func (q *Queue) UseGroups() {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.grouped = true
}

func (q *Queue) groupOf(pod *corev1.Pod) (types.NamespacedName, bool) {
	if !q.grouped {
		return types.NamespacedName{}, false
	}
	return podgroups.Of(pod)
}

// SetGroup takes in a group's object. Its pods, if there are some already, become active.
func (q *Queue) SetGroup(object *schedulingv1beta1.PodGroup) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	entry := q.group(types.NamespacedName{Namespace: object.Namespace, Name: object.Name})
	entry.object = object
	if heap := q.heapOf(entry.place); heap != nil {
		heap.fix(entry)
	}
	if entry.place == incomplete {
		entry.Added = q.options.Clock.Now()
		q.activate(entry, fwk.ClusterEvent{Resource: fwk.PodGroup, ActionType: fwk.Add}.Label(), true)
	}
}

// RemoveGroup forgets a group's object. Its pods wait for another of the same name.
func (q *Queue) RemoveGroup(namespace, name string) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	entry := q.group(types.NamespacedName{Namespace: namespace, Name: name})
	entry.object = nil
	if entry.place != nowhere {
		q.setGate(entry, "")
		entry.blocked = nil
		q.move(entry, incomplete, fwk.ClusterEvent{Resource: fwk.PodGroup, ActionType: fwk.Delete}.Label())
	}
	q.dropIfEmpty(entry)
}

// group returns the entry of a group, new if need be.
func (q *Queue) group(name types.NamespacedName) *Entry {
	entry, found := q.groups[name]
	if !found {
		entry = &Entry{grouping: &grouping{name: name, members: map[types.UID]*Entry{}}, Added: q.options.Clock.Now()}
		q.groups[name] = entry
	}
	return entry
}

// dropIfEmpty forgets a group of which nothing is known any more.
func (q *Queue) dropIfEmpty(entry *Entry) {
	if entry.object == nil && len(entry.members) == 0 && !entry.inFlight {
		delete(q.groups, entry.name)
	}
}

// addMember takes in a pod that is new.
func (q *Queue) addMember(name types.NamespacedName, pod *Entry) {
	entry := q.join(name, pod)
	switch entry.place {
	case nowhere:
		if entry.inFlight {
			q.inFlight.record(podAdded, nil, pod.GetPod())
			return
		}
		q.begin(entry)
		if entry.object == nil {
			q.move(entry, incomplete, podAdded.Label())
			return
		}
		q.activate(entry, podAdded.Label(), true)
	case unschedulable:
		if entry.gate != "" && !opensGate(entry, podAdded) {
			return
		}
		if decision := q.isWorthRequeuing(entry, podAdded, nil, pod.GetPod()); decision != queueSkip {
			q.requeue(entry, decision, podAdded.Label())
		}
	case active, backoff, errorBackoff:
		q.tried(pod)
		if q.gated(pod) {
			q.setGated(entry, pod.gate)
			entry.blocked = pod
			q.move(entry, unschedulable, podAdded.Label())
		}
	}
}

// returnMember takes back a pod whose attempt failed. In that attempt it goes with the rest of its group. When it comes
// later, because it could not be bound, it makes the group wait out a back-off.
func (q *Queue) returnMember(name types.NamespacedName, pod *Entry) {
	entry := q.join(name, pod)
	switch {
	case entry.inFlight:
		if !slices.Contains(entry.popped, pod) {
			entry.late = pod
		}
		return
	case entry.place == nowhere:
		q.begin(entry)
		entry.UnschedulablePlugins, entry.PendingPlugins = pod.UnschedulablePlugins, pod.PendingPlugins
	case entry.place != unschedulable:
		return
	}
	q.waitOut(entry, pod)
}

// waitOut makes a group wait for its whole back-off, even if there is nothing else to do, because a pod of it could not
// be bound. An event that it could wait for may have come and gone. Pods that failed together come back one by one, and
// the group is not to be tried without some of them. Nor are others to be kept from the places that it gives up.
func (q *Queue) waitOut(entry, pod *Entry) {
	const event = "ScheduleAttemptFailure"
	switch {
	case entry.object == nil:
		q.move(entry, incomplete, event)
	case q.gated(entry):
		q.move(entry, unschedulable, event)
	default:
		entry.Refused, entry.Errors = max(entry.Refused, pod.Refused), max(entry.Errors, pod.Errors)
		entry.Added = q.options.Clock.Now()
		q.setBackoff(entry)
		q.move(entry, errorBackoff, event)
	}
}

// begin starts the history of a group anew: no pod of it was in the queue.
func (q *Queue) begin(entry *Entry) {
	*entry = Entry{grouping: entry.grouping, Added: q.options.Clock.Now()}
	entry.blocked = nil
}

// join adds a pod to its group, and counts it where the group is.
func (q *Queue) join(name types.NamespacedName, pod *Entry) *Entry {
	entry := q.group(name)
	if len(entry.members) == 0 && !entry.inFlight {
		entry.scheduler = pod.profile()
	}
	entry.members[pod.GetPod().UID] = pod
	switch {
	case entry.inFlight:
		metrics.PendingPods.WithLabelValues(metrics.QueuePending).Inc()
	case entry.place != nowhere:
		gauge(entry).Inc()
		metrics.QueueIncoming.WithLabelValues(queueName(entry), podAdded.Label()).Inc()
	}
	return entry
}

// updateMember takes in a change of a pod, which may make its group schedulable.
func (q *Queue) updateMember(entry *Entry, pod *Entry, events []fwk.ClusterEvent, old *corev1.Pod) {
	if entry.place != unschedulable || entry.gate != "" && entry.blocked != pod {
		return
	}
	for _, event := range events {
		if decision := q.isWorthRequeuing(entry, event, old, pod.GetPod()); decision != queueSkip {
			q.requeue(entry, decision, event.Label())
			return
		}
	}
}

// removeMember forgets a pod. With one less, the others may have to wait.
func (q *Queue) removeMember(entry *Entry, pod *Entry) {
	q.countRejectors(pod, -1)
	delete(q.entries, pod.GetPod().UID)
	if entry.inFlight {
		metrics.PendingPods.WithLabelValues(metrics.QueuePending).Dec()
		delete(entry.members, pod.GetPod().UID)
		return
	}
	gauge(entry).Dec()
	delete(entry.members, pod.GetPod().UID)
	const event = "MemberDelete"
	switch {
	case len(entry.members) == 0:
		q.move(entry, nowhere, event)
		q.dropIfEmpty(entry)
	case entry.blocked == pod:
		q.requeue(entry, queueAfterBackoff, event)
	case q.heapOf(entry.place) != nil:
		// The number of pods is the same for all of them, so that asking one is enough.
		for other := range entry.pods() {
			if q.gated(other) {
				q.setGated(entry, other.gate)
				entry.blocked = other
				q.move(entry, unschedulable, event)
			}
			return
		}
	}
}

// takeMembers puts all pods of a group in flight.
func (q *Queue) takeMembers(entry *Entry) {
	entry.popped = slices.SortedFunc(entry.pods(), before)
	entry.members = make(map[types.UID]*Entry)
	entry.inFlight = true
	for _, pod := range entry.popped {
		q.tried(pod)
		q.countRejectors(pod, -1)
		delete(q.entries, pod.GetPod().UID)
		pod.Attempts++
		pod.Flushed = entry.Flushed
		q.inFlight.add(pod.GetPod().UID)
	}
}

func before(a, b *Entry) int {
	return cmp.Or(
		-cmp.Compare(a.GetPriority(), b.GetPriority()),
		-cmp.Compare(a.Attempts, b.Attempts),
		a.Added.Compare(b.Added),
		cmp.Compare(a.GetPod().Name, b.GetPod().Name),
	)
}
