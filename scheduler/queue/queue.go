package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/metrics"
	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
)

// Defaults of Options.
const (
	DefaultInitialBackoff   = time.Second
	DefaultMaxBackoff       = 10 * time.Second
	DefaultMaxUnschedulable = 5 * time.Minute
)

// Options say how a Queue behaves.
type Options struct {
	// Less orders the active pods. Required.
	Less fwk.LessFunc
	// PreEnqueue and Hints are those of each profile, by scheduler name. A pod of a profile without hints is woken by
	// every event.
	PreEnqueue map[string][]fwk.PreEnqueuePlugin
	Hints      map[string][]framework.Hint
	// InitialBackoff, MaxBackoff and MaxUnschedulable default to the constants above where they are 0.
	InitialBackoff, MaxBackoff, MaxUnschedulable time.Duration
	// Nominator has the nominations of the pods. Nil means one of its own, whose nominations no assignment ends.
	Nominator *Nominator
	// Clock defaults to the real one.
	Clock clock.WithTicker
	// Logger defaults to none.
	Logger klog.Logger
}

// Queue holds the pending pods.
type Queue struct {
	options Options
	*Nominator

	mutex         sync.Mutex
	ready         sync.Cond // something is active or in back-off, or the queue is closed
	entries       map[types.UID]*Entry
	active        entryHeap
	backoff       entryHeap
	errors        entryHeap // those that are not popped early: in errorBackoff
	unschedulable unschedulableEntries
	groups        map[types.NamespacedName]*Entry
	grouped       bool // pods may belong to groups
	inFlight      inFlight
	hints         hintIndex
	closed        bool
}

var (
	_ fwk.PodNominator = &Queue{}
	_ fwk.PodActivator = &Queue{}
)

// New returns an empty queue.
func New(options Options) (*Queue, error) {
	if options.Less == nil {
		return nil, errors.New("building the queue: Less is required")
	}
	if options.InitialBackoff == 0 {
		options.InitialBackoff = DefaultInitialBackoff
	}
	if options.MaxBackoff == 0 {
		options.MaxBackoff = DefaultMaxBackoff
	}
	if options.MaxUnschedulable == 0 {
		options.MaxUnschedulable = DefaultMaxUnschedulable
	}
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	if options.Nominator == nil {
		options.Nominator = NewNominator(nil)
	}
	less := func(a, b *Entry) bool { return options.Less(a, b) }
	q := &Queue{
		options:       options,
		Nominator:     options.Nominator,
		entries:       map[types.UID]*Entry{},
		active:        entryHeap{less: less},
		backoff:       entryHeap{less: bySecondThen(less)},
		errors:        entryHeap{less: func(a, b *Entry) bool { return a.backoffEnd.Before(b.backoffEnd) }},
		unschedulable: newUnschedulableEntries(),
		groups:        map[types.NamespacedName]*Entry{},
		inFlight:      newInFlight(),
		hints:         newHintIndex(options.Hints),
	}
	q.ready.L = &q.mutex
	return q, nil
}

// Add takes in a pod that is to be scheduled.
func (q *Queue) Add(pod *corev1.Pod) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if _, found := q.entries[pod.UID]; found || q.inFlight.has(pod.UID) {
		return
	}
	q.add(pod)
}

func (q *Queue) add(pod *corev1.Pod) {
	entry := &Entry{PodInfo: q.describe(pod), Added: q.options.Clock.Now()}
	q.entries[pod.UID] = entry
	q.AddNominatedPod(q.options.Logger, entry.PodInfo, nil)
	if name, grouped := q.groupOf(pod); grouped {
		q.addMember(name, entry)
		return
	}
	q.activate(entry, podAdded.Label(), true)
}

func (q *Queue) describe(pod *corev1.Pod) *nodeinfo.PodInfo {
	info, err := nodeinfo.NewPodInfo(pod)
	if err != nil { // The API server stores such pods; the plugin that reads the terms refuses the pod.
		q.options.Logger.Error(err, "Pod has affinity terms that cannot be parsed", "pod", klog.KObj(pod))
	}
	return info
}

// Update takes in a change of a pending pod, which may make it schedulable.
func (q *Queue) Update(old, new *corev1.Pod) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	events := framework.PodChanges(fwk.TargetPod, old, new)
	if q.inFlight.has(new.UID) {
		for _, event := range events {
			q.inFlight.record(event, old, new)
		}
		return
	}
	entry, found := q.entries[new.UID]
	if !found {
		q.add(new)
		return
	}
	entry.PodInfo = q.describe(new)
	q.UpdateNominatedPod(q.options.Logger, old, entry.PodInfo)
	if name, grouped := q.groupOf(new); grouped {
		q.updateMember(q.groups[name], entry, events, old)
		return
	}
	if heap := q.heapOf(entry.place); heap != nil {
		heap.fix(entry)
		return
	}
	for _, event := range events {
		if decision := q.isWorthRequeuing(entry, event, old, new); decision != queueSkip {
			q.requeue(entry, decision, event.Label())
			return
		}
	}
}

// Delete forgets a pod. One that is in flight is forgotten when it is Done or Requeued.
func (q *Queue) Delete(pod *corev1.Pod) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.DeleteNominatedPodIfExists(pod)
	if entry, found := q.entries[pod.UID]; found {
		if name, grouped := q.groupOf(pod); grouped {
			q.removeMember(q.groups[name], entry)
			return
		}
		q.move(entry, nowhere, "")
		q.countRejectors(entry, -1)
		delete(q.entries, pod.UID)
	}
}

// Pop waits for the pod or group that is to be tried next and hands it over. A pod is in flight until Done or Requeue; a
// group until RequeueGroup, and before that each of its members until Done or Requeue. It returns nil once the queue is
// closed.
func (q *Queue) Pop() *Entry {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	for !q.closed && q.active.Len() == 0 && q.backoff.Len() == 0 {
		q.ready.Wait()
	}
	if q.closed {
		return nil
	}
	entry := q.active.first()
	if entry == nil {
		entry = q.backoff.first()
		countIncoming(entry, metrics.QueueBackoff, metrics.QueueActive, "PopFromBackoffQ")
		q.tried(entry)
	}
	q.move(entry, nowhere, "")
	entry.Attempts++
	if entry.grouping != nil {
		q.inFlight.add(entry.key())
		q.takeMembers(entry)
		return entry
	}
	q.countRejectors(entry, -1)
	delete(q.entries, entry.GetPod().UID)
	q.inFlight.add(entry.GetPod().UID)
	return entry
}

// Done says that a pod in flight does not come back: it is bound, or gone.
func (q *Queue) Done(uid types.UID) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.inFlight.done(uid)
}

// Close ends all waiting Pops.
func (q *Queue) Close() {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.closed = true
	q.ready.Broadcast()
}

// Run brings pods back when their time has come, until ctx ends.
func (q *Queue) Run(ctx context.Context) {
	everySecond := q.options.Clock.NewTicker(time.Second)
	defer everySecond.Stop()
	everyHalfMinute := q.options.Clock.NewTicker(30 * time.Second)
	defer everyHalfMinute.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-everySecond.C():
			q.flushBackoff()
		case <-everyHalfMinute.C():
			q.flushUnschedulable()
		}
	}
}

// Busy reports whether a pod is active.
func (q *Queue) Busy() bool {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	return q.active.Len() > 0
}

// Idle reports that nothing is being tried or to be tried. What waits for an event does not count, nor what waits for time after
// an error.
func (q *Queue) Idle() bool {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	return q.active.Len() == 0 && q.backoff.Len() == 0 && q.inFlight.count() == 0
}

// Counts is how many pods are where.
type Counts struct{ Active, Backoff, Unschedulable, Gated, InFlight int }

// Count returns how many pods are where, those of groups among them. A pod whose group has not been seen counts as gated,
// and one that came while its group is in flight as in flight.
func (q *Queue) Count() Counts {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	counts := Counts{Active: q.active.pods(), Backoff: q.backoff.pods() + q.errors.pods(), InFlight: q.inFlight.count()}
	for _, entry := range q.unschedulable.all {
		if entry.gate != "" {
			counts.Gated += entry.size()
		} else {
			counts.Unschedulable += entry.size()
		}
	}
	for _, entry := range q.groups {
		switch {
		case entry.place == incomplete:
			counts.Gated += entry.size()
		case entry.inFlight:
			counts.InFlight += entry.size() - 1 // The group itself is among those in flight, and is no pod.
		}
	}
	return counts
}

func (c Counts) String() string {
	return fmt.Sprintf("%d active, %d in back-off, %d unschedulable, %d gated, %d in flight",
		c.Active, c.Backoff, c.Unschedulable, c.Gated, c.InFlight)
}
