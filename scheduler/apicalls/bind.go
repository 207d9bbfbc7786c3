package apicalls

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/naming"
	"github.com/orrery-dev/orrery/scheduler/bindqueue"
)

// How many bindings there are of what kind at a time. It is the same for a small server and a large one: a pod is counted in
// for as long as the server takes, so that the faster one gets more of them.
const (
	// bindingsAtOnce is how many requests are under way. By default a server works on 98 at a time for the clients of the
	// scheduler's priority level, of which it lends half to others; those beyond would wait there, cost it more than they do
	// here, and in the end be turned away. Fewer than that keep it busy: when it answers in 10 ms, 32 at a time are 3,200 a
	// second. More at a time were no more a second, and each took longer by as much.
	bindingsAtOnce = 32
	// decidedAhead is how many pods are decided on beyond those. A turn that ends finds a pod that waits for it, as long as
	// no more turns than that end while one decision is made.
	decidedAhead = 8
	// longestBinding is what a server in good health takes for a binding at most, in seconds.
	longestBinding = 0.1
)

// NewBindQueue returns where pods wait to be bound by a client that sends so many requests in a second; 0 or less means any
// number. A client that is held back to a few has only as many under way as that takes: the others would wait for it.
func NewBindQueue(qps float32) *bindqueue.Queue {
	atOnce := bindingsAtOnce
	if qps > 0 {
		atOnce = min(atOnce, max(int(math.Ceil(float64(qps)*longestBinding)), 1))
	}
	return bindqueue.New(atOnce, decidedAhead)
}

// recent is how long ago a binding request has begun that the server is still at work on, and does not only keep waiting.
const recent = time.Second

// Binder assigns pods to nodes.
type Binder struct {
	client   client.Client
	statuses *PodStatuses
	queue    *bindqueue.Queue
	clock    clock.PassiveClock
	begun    atomic.Int64 // when the last request did, in nanoseconds since 1970
}

// NewBinder returns a Binder, for whose requests pods wait in the queue.
func NewBinder(c client.Client, statuses *PodStatuses, queue *bindqueue.Queue, clock clock.PassiveClock) *Binder {
	return &Binder{client: c, statuses: statuses, queue: queue, clock: clock}
}

// Bind assigns a pod to a node. It waits for the pod's turn, and until what was said of the pod before is written.
func (b *Binder) Bind(ctx context.Context, pod *corev1.Pod, node string) error {
	b.statuses.Flush(pod.UID)
	end, err := b.queue.Turn(ctx, pod.UID)
	if err != nil {
		return fmt.Errorf("binding pod %s/%s to node %s: %w", pod.Namespace, pod.Name, node, err)
	}
	defer end()
	b.begun.Store(b.clock.Now().UnixNano())
	return naming.Bind(ctx, b.client, (*ocorev1.Pod)(pod), node)
}

// Busy reports whether bindings are what the API server is at work on: as many are under way as can be, or one has begun
// just now. One that hangs makes nobody else wait.
func (b *Binder) Busy() bool {
	underWay, all := b.queue.UnderWay()
	return all || underWay > 0 && b.clock.Since(time.Unix(0, b.begun.Load())) < recent
}
