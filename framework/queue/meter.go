package queue

import "time"

// Meter is told of what becomes of keys, for metrics. Its methods are called under the queue's lock: they must be quick, and must not call
// the queue. A key counts as waiting from when it is Added until somebody Got it, or it was Dropped.
type Meter interface {
	// Added says that a key is due.
	Added(urgency int)
	// Raised says that a key which is due has become more urgent.
	Raised(from, to int)
	// Got says that a key is processed which has waited for a while.
	Got(urgency int, waited time.Duration)
	// Done says that a key was processed, and how long that took.
	Done(took time.Duration)
	// Dropped says that a key which was due was forgotten, because the queue was shut down.
	Dropped(urgency int)
	// Retried says that a key was added which is to rest before.
	Retried()
	// Unfinished says for how long all keys together that are processed have been, and the one of which that is the longest. It is
	// called every Look while a key has been processed for that long, and with 0 when none is any more.
	Unfinished(total, longest time.Duration)
}

// Look is how often a Meter is told what is unfinished.
const Look = 500 * time.Millisecond

// busy has somebody look at what is processed for long. The lock is held, and something has begun to be processed.
func (q *Queue[K]) busy() {
	switch {
	case q.options.Meter == nil || len(q.processing) > 1:
	case q.looks == nil:
		q.looks = time.AfterFunc(Look, q.look)
	default:
		q.looks.Reset(Look)
	}
}

// idle has nobody look any more, if nothing is processed. The lock is held.
func (q *Queue[K]) idle() {
	if q.options.Meter == nil || len(q.processing) > 0 {
		return
	}
	q.looks.Stop()
	if q.unfinished {
		q.unfinished = false
		q.options.Meter.Unfinished(0, 0)
	}
}

func (q *Queue[K]) look() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.processing) == 0 {
		return
	}
	var total, longest time.Duration
	for _, w := range q.processing {
		took := time.Since(w.since)
		total, longest = total+took, max(longest, took)
	}
	q.unfinished = true
	q.options.Meter.Unfinished(total, longest)
	q.looks.Reset(Look)
}
