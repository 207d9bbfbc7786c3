package cycle

import (
	"context"
	"fmt"
	"sync"

	fwk "k8s.io/kube-scheduler/framework"
)

// quorum keeps the pods of a group from being bound until as many of them as the group needs have been permitted. So a
// group of which too many are refused while they wait gives back all its places. It exists only where a pod has to wait.
type quorum struct {
	needed, pods int
	mutex        sync.Mutex
	permitted    int
	rejected     int
	decided      chan struct{} // closed once enough have been permitted, or can no longer be
}

func newQuorum(needed, pods int) *quorum {
	return &quorum{needed: needed, pods: pods, decided: make(chan struct{})}
}

// refused says that one of the pods is not bound.
func (q *quorum) refused() {
	if q != nil {
		q.count(0, 1)
	}
}

// wait says that one of the pods is permitted, and returns once it can be bound, or cannot.
func (q *quorum) wait(ctx context.Context) *fwk.Status {
	if q == nil {
		return nil
	}
	q.count(1, 0)
	select {
	case <-q.decided:
	case <-ctx.Done():
		return fwk.AsStatus(context.Cause(ctx))
	}
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if q.permitted >= q.needed {
		return nil
	}
	return fwk.NewStatus(fwk.Unschedulable, fmt.Sprintf("%d pods of the pod group are needed, and %d of %d were rejected while waiting on permit",
		q.needed, q.rejected, q.pods))
}

func (q *quorum) count(permitted, rejected int) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	before := q.settled()
	q.permitted += permitted
	q.rejected += rejected
	if !before && q.settled() {
		close(q.decided)
	}
}

func (q *quorum) settled() bool {
	return q.permitted >= q.needed || q.rejected > q.pods-q.needed
}
