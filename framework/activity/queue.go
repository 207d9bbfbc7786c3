package activity

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// Pause is how long a key may rest and still count as being worked on. It is taken by the real clock.
const Pause = 100 * time.Millisecond

// Queue holds the keys of one loop that are due, and those that will be. It is client-go's delaying queue, but that at each moment
// it can be told what is in it: a key is under way from when it is due until it is Done. It is safe for concurrent use.
type Queue[K comparable] struct {
	tracker *Tracker
	name    string

	mu         sync.Mutex
	some       sync.Cond  // there is a key to be had, or the queue is shut down
	ready      []K        // due, in order, the most urgent first
	urgency    map[K]int  // of those that are due; 0 is usual
	processing map[K]bool // by somebody; true if it came again meanwhile
	delayed    map[K]*delay
	shut       bool
}

// delay is how long a key rests.
type delay struct {
	until time.Time
	timer clock.Timer
	end   func() // of a rest that counts as work
}

// NewQueue is an empty queue of the loop of a name.
func NewQueue[K comparable](t *Tracker, name string) *Queue[K] {
	q := &Queue[K]{tracker: t, name: name, urgency: map[K]int{}, processing: map[K]bool{}, delayed: map[K]*delay{}}
	q.some.L = &q.mu
	t.addQueue(q)
	return q
}

func (q *Queue[K]) what(key K) string { return fmt.Sprintf("%s %v", q.name, key) }

// Add has a key processed soon.
func (q *Queue[K]) Add(key K) { q.AddUrgent(key, 0) }

// AddUrgent has a key processed before those that are less urgent.
func (q *Queue[K]) AddUrgent(key K, urgency int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.add(key, urgency)
}

// add puts a key among those that are due. The lock is held.
func (q *Queue[K]) add(key K, urgency int) {
	if q.shut {
		return
	}
	// What a key is woken for begins before its rest ends as work, or else there would seem to be a moment between.
	defer q.wakeUp(key)()
	if before, due := q.urgency[key]; due {
		if urgency > before {
			q.urgency[key] = urgency
			q.order()
		}
		return
	}
	q.tracker.begin(q.what(key))
	q.urgency[key] = urgency
	if _, processing := q.processing[key]; processing {
		q.processing[key] = true
		return
	}
	q.append(key)
}

// append puts a key behind those that are as urgent. The lock is held.
func (q *Queue[K]) append(key K) {
	before := len(q.ready)
	q.ready = append(q.ready, key)
	if before > 0 && q.urgency[q.ready[before-1]] < q.urgency[key] {
		q.order()
	}
	q.some.Signal()
}

// order puts the most urgent keys first. Among equals the order stays.
func (q *Queue[K]) order() {
	slices.SortStableFunc(q.ready, func(a, b K) int { return q.urgency[b] - q.urgency[a] })
}

// AddAfter has a key processed after a while, or earlier if somebody else asks for that.
func (q *Queue[K]) AddAfter(key K, after time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.shut {
		return
	}
	if after <= 0 {
		q.add(key, 0)
		return
	}
	if _, due := q.urgency[key]; due {
		return
	}
	until := q.tracker.clock.Now().Add(after)
	if before := q.delayed[key]; before != nil && !until.Before(before.until) {
		return
	}
	defer q.wakeUp(key)()
	d := &delay{until: until, end: func() {}}
	q.delayed[key] = d
	by := clock.WithDelayedExecution(q.tracker.clock)
	if after <= Pause {
		by, d.end = clock.RealClock{}, q.tracker.Begin(q.what(key))
	}
	d.timer = by.AfterFunc(after, func() { q.isDue(key, d) })
}

// isDue ends the rest of a key, unless it has ended already.
func (q *Queue[K]) isDue(key K, d *delay) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.delayed[key] == d {
		delete(q.delayed, key) // nothing is to be stopped, and a clock may not be asked to while it fires
		q.add(key, 0)
		d.end()
	}
}

// wakeUp ends the rest of a key, and returns what ends it as work. The lock is held.
func (q *Queue[K]) wakeUp(key K) (end func()) {
	d := q.delayed[key]
	if d == nil {
		return func() {}
	}
	delete(q.delayed, key)
	d.timer.Stop()
	return d.end
}

// Get waits for a key that is due. It is under way until Done.
func (q *Queue[K]) Get() (key K, shutdown bool) {
	key, _, shutdown = q.GetUrgent()
	return key, shutdown
}

// GetUrgent is Get, with how urgent the key was.
func (q *Queue[K]) GetUrgent() (key K, urgency int, shutdown bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.ready) == 0 && !q.shut {
		q.some.Wait()
	}
	if len(q.ready) == 0 {
		return key, 0, true
	}
	key, q.ready = q.ready[0], q.ready[1:]
	urgency = q.urgency[key]
	delete(q.urgency, key)
	q.processing[key] = false
	return key, urgency, false
}

// Done says that a key was processed. If it came again meanwhile, it is due.
func (q *Queue[K]) Done(key K) {
	q.mu.Lock()
	defer q.mu.Unlock()
	again, processing := q.processing[key]
	if !processing {
		return
	}
	delete(q.processing, key)
	q.tracker.end(q.what(key))
	if again {
		q.append(key)
	}
}

// Len is how many keys are due.
func (q *Queue[K]) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.ready)
}

// ShutDown ends all Gets, and forgets what is due.
func (q *Queue[K]) ShutDown() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.shut {
		return
	}
	q.shut = true
	for key := range q.urgency {
		q.tracker.end(q.what(key))
	}
	for key := range q.delayed {
		q.wakeUp(key)()
	}
	q.ready, q.urgency = nil, map[K]int{}
	for key := range q.processing {
		q.processing[key] = false
	}
	q.tracker.removeQueue(q)
	q.some.Broadcast()
}

// ShutDownWithDrain is ShutDown: what is due then is due to whoever comes next.
func (q *Queue[K]) ShutDownWithDrain() { q.ShutDown() }

// ShuttingDown reports whether it was shut down.
func (q *Queue[K]) ShuttingDown() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.shut
}

// due implements waiting.
func (q *Queue[K]) due() []Wake {
	q.mu.Lock()
	defer q.mu.Unlock()
	var wakes []Wake
	for key, d := range q.delayed {
		wakes = append(wakes, Wake{What: q.what(key), At: d.until})
	}
	return wakes
}
