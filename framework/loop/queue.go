package loop

import (
	"cmp"

	"github.com/orrery-dev/orrery/framework/activity"
	"github.com/orrery-dev/orrery/framework/queue"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// requestQueue is the queue of a loop, as controller-runtime asks for it: with its rests after failures.
type requestQueue struct {
	*queue.Queue[reconcile.Request]
	backOff workqueue.TypedRateLimiter[reconcile.Request]
}

var _ priorityqueue.PriorityQueue[reconcile.Request] = requestQueue{}

// QueuesOf makes queues that tell a tracker what is due and under way, and are measured under the names that controller-runtime's have: for the
// NewQueue of the options of a controller that is no loop. Loops have such queues anyway. A nil tracker is told nothing.
func QueuesOf(tracker *activity.Tracker) func(string, workqueue.TypedRateLimiter[reconcile.Request]) requests {
	options := queue.Options{Clock: tracker.Clock()}
	if tracker != nil {
		options.Tracker = tracker
	}
	return func(name string, backOff workqueue.TypedRateLimiter[reconcile.Request]) requests {
		of := options
		of.Name, of.Meter = name, newMeter(name)
		return requestQueue{queue.New[reconcile.Request](of), backOff}
	}
}

// AddRateLimited adds a key after a rest that grows with its failures.
func (q requestQueue) AddRateLimited(key reconcile.Request) { q.AddAfter(key, q.backOff.When(key)) }

// Forget ends the row of failures of a key.
func (q requestQueue) Forget(key reconcile.Request) { q.backOff.Forget(key) }

// NumRequeues is how often in a row a key has failed.
func (q requestQueue) NumRequeues(key reconcile.Request) int { return q.backOff.NumRequeues(key) }

// AddWithOpts adds keys as somebody wants it: where they are to rest for a while and after failures, for the shorter time.
func (q requestQueue) AddWithOpts(o priorityqueue.AddOpts, keys ...reconcile.Request) {
	for _, key := range keys {
		after := o.After
		if o.RateLimited {
			failed := q.backOff.When(key)
			after = min(cmp.Or(after, failed), failed)
		}
		q.AddUrgentAfter(key, ptr.Deref(o.Priority, 0), after)
	}
}

// GetWithPriority waits for a key, and says how urgent it is.
func (q requestQueue) GetWithPriority() (reconcile.Request, int, bool) { return q.GetUrgent() }
