package queue

import (
	"fmt"
	"time"
)

// Tracker is told of what keys are under way, so that somebody can wait until all is at rest. Its methods are called under the queue's lock.
type Tracker interface {
	// Began says that something is under way, and Ended, as often, that it is not any more.
	Began(what string)
	Ended(what string)
	// AddQueue is given what says which keys rest, until it is told to forget that.
	AddQueue(resting func() []Wake) (forget func())
}

// Wake is something that is to be done later.
type Wake struct {
	// What is to be done, as in "job-controller default/pi".
	What string
	// At is when.
	At time.Time
}

// Pause is how long a key may rest and still count as under way. Such a rest is no decision about time, and is taken by the real clock.
const Pause = 100 * time.Millisecond

func (q *Queue[K]) what(key K) string { return fmt.Sprintf("%s %v", q.options.Name, key) }

// began has a key count as under way, until ended.
func (q *Queue[K]) began(key K) {
	if q.options.Tracker != nil {
		q.options.Tracker.Began(q.what(key))
	}
}

func (q *Queue[K]) ended(key K) {
	if q.options.Tracker != nil {
		q.options.Tracker.Ended(q.what(key))
	}
}

// resters are the keys that rest.
func (q *Queue[K]) resters() []Wake {
	q.mu.Lock()
	defer q.mu.Unlock()
	wakes := make([]Wake, 0, len(q.resting))
	for key, r := range q.resting {
		wakes = append(wakes, Wake{What: q.what(key), At: r.until})
	}
	return wakes
}
