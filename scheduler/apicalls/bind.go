package apicalls

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/naming"
)

// bindingsAtOnce is how many binding requests are under way at the same time. The server works on no more than about as
// many of one client; those beyond would wait there, cost it more than they do here, and in the end be turned away.
const bindingsAtOnce = 64

// recent is how long ago a binding request has begun that the server is still at work on, and does not only keep waiting.
const recent = time.Second

// Binder assigns pods to nodes.
type Binder struct {
	client   client.Client
	statuses *PodStatuses
	clock    clock.PassiveClock
	// requests has an element for each request under way.
	requests chan struct{}
	begun    atomic.Int64 // when the last one did, in nanoseconds since 1970
}

// NewBinder returns a Binder.
func NewBinder(c client.Client, statuses *PodStatuses, clock clock.PassiveClock) *Binder {
	return &Binder{client: c, statuses: statuses, clock: clock, requests: make(chan struct{}, bindingsAtOnce)}
}

// Bind assigns a pod to a node. It waits for its turn, and until what was said of the pod before is written.
func (b *Binder) Bind(ctx context.Context, pod *corev1.Pod, node string) error {
	b.statuses.Flush(pod.UID)
	select {
	case b.requests <- struct{}{}:
		defer func() { <-b.requests }()
	case <-ctx.Done():
		return fmt.Errorf("binding pod %s/%s to node %s: %w", pod.Namespace, pod.Name, node, context.Cause(ctx))
	}
	b.begun.Store(b.clock.Now().UnixNano())
	return naming.Bind(ctx, b.client, (*ocorev1.Pod)(pod), node)
}

// Busy reports whether bindings are what the API server is at work on: as many are under way as can be, or one has begun
// just now. One that hangs makes nobody else wait.
func (b *Binder) Busy() bool {
	underWay := len(b.requests)
	return underWay == cap(b.requests) || underWay > 0 && b.clock.Since(time.Unix(0, b.begun.Load())) < recent
}
