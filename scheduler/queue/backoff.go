package queue

import (
	"maps"
	"slices"
	"time"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// setBackoff computes when the entry's back-off ends: 1 s after its first refusal, and twice as long after each further
// one. Errors in a row count instead of refusals, since they end when the cause does.
func (q *Queue) setBackoff(entry *Entry) {
	count := entry.Refused
	if entry.Errors > 0 {
		count = entry.Errors
	}
	entry.backoffEnd = time.Time{}
	if count > 0 {
		entry.backoffEnd = entry.Added.Add(backoffAfter(count, q.options.InitialBackoff, q.options.MaxBackoff))
	}
}

func backoffAfter(count int, initial, longest time.Duration) time.Duration {
	wait := initial
	for range count - 1 {
		if wait >= longest {
			break
		}
		wait *= 2
	}
	return min(wait, longest)
}

func (q *Queue) backingOff(entry *Entry) bool {
	return q.options.Clock.Now().Before(entry.backoffEnd)
}

// bySecondThen orders entries by when their back-off ends and, within the same second, like the active ones, so that
// priority still counts when pods are popped early.
func bySecondThen(less func(a, b *Entry) bool) func(a, b *Entry) bool {
	return func(a, b *Entry) bool {
		endA, endB := a.backoffEnd.Truncate(time.Second), b.backoffEnd.Truncate(time.Second)
		if !endA.Equal(endB) {
			return endA.Before(endB)
		}
		return less(a, b)
	}
}

// flushBackoff activates the pods whose back-off has passed.
func (q *Queue) flushBackoff() {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	for _, heap := range []*entryHeap{&q.backoff, &q.errors} {
		for entry := heap.first(); entry != nil && !q.backingOff(entry); entry = heap.first() {
			q.activate(entry, "BackoffComplete", false)
		}
	}
}

// flushUnschedulable brings back the pods that no event brought back for too long.
func (q *Queue) flushUnschedulable() {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	now := q.options.Clock.Now()
	for _, entry := range slices.Collect(maps.Values(q.unschedulable.all)) {
		since := entry.Added
		if entry.flushedAt.After(since) {
			since = entry.flushedAt
		}
		if now.Sub(since) <= q.options.MaxUnschedulable {
			continue
		}
		q.options.Logger.V(3).Info("Pod or group waited too long for an event and is tried again", "entry", entry.ref(),
			"plugins", entry.rejectors().UnsortedList())
		entry.Flushed, entry.flushedAt = true, now
		q.requeue(entry, queueAfterBackoff, framework.PodFlushed.Label())
	}
}
