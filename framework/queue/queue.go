package queue

import (
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// Options say of whose keys a queue is. The zero value is a queue that nobody is told of.
type Options struct {
	// Name is the loop's, for the Tracker.
	Name string
	// Tracker is told of what is due, under way and resting; nil tells nobody.
	Tracker Tracker
	// Clock is the one by which keys rest; nil means the real one.
	Clock clock.WithDelayedExecution
	// Meter measures; nil measures nothing.
	Meter Meter
}

// Queue holds the keys of one loop. It is safe for concurrent use.
type Queue[K comparable] struct {
	options Options

	mu         sync.Mutex
	some       sync.Cond // there is a key to be had, or the queue is shut down
	due        map[K]*wait[K]
	line       line[K] // those of the keys that are due which nobody processes
	processing map[K]work
	resting    map[K]*rest
	looks      *time.Timer // at what is processed for long
	unfinished bool        // the Meter was told of some of it
	shut       bool
	forget     func() // the Tracker's
}

// work is the processing of a key.
type work struct {
	since time.Time
	again bool // it has come again meanwhile
}

// rest is that of a key which will be due.
type rest struct {
	until   time.Time
	urgency int
	timer   clock.Timer
	end     func() // of a rest that counts as work
}

// New is an empty queue.
func New[K comparable](options Options) *Queue[K] {
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	q := &Queue[K]{
		options: options, due: map[K]*wait[K]{}, processing: map[K]work{}, resting: map[K]*rest{},
	}
	q.some.L = &q.mu
	q.forget = func() {}
	if options.Tracker != nil {
		q.forget = options.Tracker.AddQueue(q.resters)
	}
	return q
}

// Add has a key processed soon.
func (q *Queue[K]) Add(key K) { q.AddUrgent(key, 0) }

// AddUrgent has a key processed before those that are less urgent. 0 is usual.
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
	defer q.wakeUp(key, &urgency)()
	if w, due := q.due[key]; due {
		q.raise(w, urgency)
		return
	}
	q.began(key)
	w := &wait[K]{key: key, urgency: urgency, since: q.now()}
	q.due[key] = w
	if q.options.Meter != nil {
		q.options.Meter.Added(urgency)
	}
	if at, processing := q.processing[key]; processing {
		at.again = true
		q.processing[key] = at
		return
	}
	q.line.push(w)
	q.some.Signal()
}

// raise has a key that is due come behind those that are as urgent as it is now, if it is more urgent than it was. The lock is held.
func (q *Queue[K]) raise(w *wait[K], urgency int) {
	if urgency <= w.urgency {
		return
	}
	if q.options.Meter != nil {
		q.options.Meter.Raised(w.urgency, urgency)
	}
	w.urgency = urgency
	if w.lane != nil {
		q.line.remove(w)
		q.line.push(w)
	}
}

// now is the time, where somebody measures it.
func (q *Queue[K]) now() time.Time {
	if q.options.Meter == nil {
		return time.Time{}
	}
	return time.Now()
}

// AddAfter has a key processed after a while, or earlier if somebody else asks for that.
func (q *Queue[K]) AddAfter(key K, after time.Duration) { q.AddUrgentAfter(key, 0, after) }

// AddUrgentAfter is AddAfter of a key which will be more urgent than others, or less.
func (q *Queue[K]) AddUrgentAfter(key K, urgency int, after time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.shut {
		return
	}
	if after > 0 && q.options.Meter != nil {
		q.options.Meter.Retried()
	}
	if _, due := q.due[key]; due || after <= 0 {
		q.add(key, urgency)
		return
	}
	until := q.options.Clock.Now().Add(after)
	if before := q.resting[key]; before != nil && !until.Before(before.until) {
		before.urgency = max(before.urgency, urgency)
		return
	}
	defer q.wakeUp(key, &urgency)()
	r := &rest{until: until, urgency: urgency, end: func() {}}
	q.resting[key] = r
	by := q.options.Clock
	if after <= Pause {
		q.began(key)
		by, r.end = clock.RealClock{}, func() { q.ended(key) }
	}
	r.timer = by.AfterFunc(after, func() { q.isDue(key, r) })
}

// isDue ends the rest of a key, unless it has ended already.
func (q *Queue[K]) isDue(key K, r *rest) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.resting[key] == r {
		delete(q.resting, key) // nothing is to be stopped, and a clock may not be asked to while it fires
		q.add(key, r.urgency)
		r.end()
	}
}

// wakeUp ends the rest of a key, and returns what ends it as work. What it wakes for is as urgent as what it rested for. The lock is held.
func (q *Queue[K]) wakeUp(key K, urgency *int) (end func()) {
	r := q.resting[key]
	if r == nil {
		return func() {}
	}
	delete(q.resting, key)
	*urgency = max(*urgency, r.urgency)
	r.timer.Stop()
	return r.end
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
	for q.line.n == 0 && !q.shut {
		q.some.Wait()
	}
	w, now := q.line.pop(), q.now()
	if w == nil {
		return key, 0, true
	}
	delete(q.due, w.key)
	q.processing[w.key] = work{since: now}
	if q.options.Meter != nil {
		q.options.Meter.Got(w.urgency, now.Sub(w.since))
	}
	q.busy()
	return w.key, w.urgency, false
}

// Done says that a key was processed. If it came again meanwhile, it is due.
func (q *Queue[K]) Done(key K) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w, processing := q.processing[key]
	if !processing {
		return
	}
	delete(q.processing, key)
	if q.options.Meter != nil {
		q.options.Meter.Done(time.Since(w.since))
	}
	q.idle()
	q.ended(key)
	if w.again {
		q.line.push(q.due[key])
		q.some.Signal()
	}
}

// Len is how many keys are due that nobody processes.
func (q *Queue[K]) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.line.n
}

// ShutDown ends all Gets, and forgets what is due.
func (q *Queue[K]) ShutDown() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.shut {
		return
	}
	q.shut = true
	for key, w := range q.due {
		q.ended(key)
		if q.options.Meter != nil {
			q.options.Meter.Dropped(w.urgency)
		}
	}
	var urgency int
	for key := range q.resting {
		q.wakeUp(key, &urgency)()
	}
	q.line, q.due = line[K]{}, map[K]*wait[K]{}
	for key, w := range q.processing {
		q.processing[key] = work{since: w.since}
	}
	q.forget()
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
