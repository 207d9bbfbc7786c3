package loop

import (
	"sync"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// requests is where a manager keeps the keys that are due.
type requests = workqueue.TypedRateLimitingInterface[reconcile.Request]

// wakeable is the queue of a loop in a manager, for those who have something to put into it. It has none until the manager
// starts.
type wakeable struct {
	mu    sync.Mutex
	queue requests
}

func (w *wakeable) start(q requests) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = q
}

func (w *wakeable) wake(key client.ObjectKey) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.queue != nil {
		w.queue.Add(reconcile.Request{NamespacedName: key})
	}
}
