package loop

import (
	"context"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/orrery-dev/orrery/framework/activity"
)

// tracked is a manager, as a loop knows it that tells a tracker of what it does.
type tracked struct {
	manager.Manager
	tracker *activity.Tracker
}

// InformersIn is what makes the informers of a cache that a loop has for itself: for the NewInformer of its cache.Options. Those of a loop
// that tells an [activity.Tracker] of its work are waited for; all are those of [NewInformer].
func InformersIn(mgr manager.Manager) activity.NewInformer {
	if t, ok := mgr.(tracked); ok {
		return t.tracker.Informers(mgr.GetScheme(), NewInformer)
	}
	return NewInformer
}

// follow has a cache of the loop's own waited for, while the manager runs.
func follow(mgr manager.Manager, own Cache) error {
	t, tells := mgr.(tracked)
	c, follows := own.(activity.Cache)
	if !tells || !follows {
		return nil
	}
	return mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
		defer t.tracker.AddCache(c)()
		<-ctx.Done()
		return nil
	}))
}

// starting has a loop count as busy from when its manager has started until its passes begin, of which started is then told as well, or
// until the manager ends.
func starting(mgr manager.Manager, tracker *activity.Tracker, name string, started func()) (func(), error) {
	forget := tracker.Ask(func() string {
		select {
		case <-mgr.Elected():
			return "the start of " + name
		default:
			return "" // it may never be started
		}
	})
	ends := manager.RunnableFunc(func(ctx context.Context) error {
		<-ctx.Done()
		forget()
		return nil
	})
	return func() {
		forget()
		if started != nil {
			started()
		}
	}, mgr.Add(ends)
}

// dueQueue is the queue of a loop that tells a tracker which keys are due.
type dueQueue struct {
	*activity.Queue[reconcile.Request]
	backOff workqueue.TypedRateLimiter[reconcile.Request]
}

var _ priorityqueue.PriorityQueue[reconcile.Request] = dueQueue{}

// QueuesOf makes queues that tell a tracker what is due and under way: for the NewQueue of the options of a controller that is no loop. Loops have
// such queues by their Options.
func QueuesOf(tracker *activity.Tracker) func(string, workqueue.TypedRateLimiter[reconcile.Request]) queue {
	return func(name string, backOff workqueue.TypedRateLimiter[reconcile.Request]) queue {
		return dueQueue{activity.NewQueue[reconcile.Request](tracker, name), backOff}
	}
}

// AddRateLimited adds a key after a rest that grows with its failures.
func (q dueQueue) AddRateLimited(key reconcile.Request) { q.AddAfter(key, q.backOff.When(key)) }

// Forget ends the row of failures of a key.
func (q dueQueue) Forget(key reconcile.Request) { q.backOff.Forget(key) }

// NumRequeues is how often in a row a key has failed.
func (q dueQueue) NumRequeues(key reconcile.Request) int { return q.backOff.NumRequeues(key) }

// AddWithOpts adds keys as somebody wants it.
func (q dueQueue) AddWithOpts(o priorityqueue.AddOpts, keys ...reconcile.Request) {
	for _, key := range keys {
		switch {
		case o.RateLimited:
			q.AddRateLimited(key)
		case o.After > 0:
			q.AddAfter(key, o.After)
		case o.Priority != nil:
			q.AddUrgent(key, *o.Priority)
		default:
			q.Add(key)
		}
	}
}

// GetWithPriority waits for a key, and says how urgent it is.
func (q dueQueue) GetWithPriority() (reconcile.Request, int, bool) { return q.GetUrgent() }
