package cycle

import (
	"context"
	"fmt"
	"sync"

	fwk "k8s.io/kube-scheduler/framework"
)

// quorum keeps the pods of a group from being bound until as many of them as the group needs have been permitted. So a
// group of which too many are refused while they wait gives back all its places. It exists only where a pod has to wait
// or was refused.
type quorum struct {
	needed, pods int
	// reject ends the wait of pods that wait for a plugin's permission. It is called at most once, when too many have been
	// refused.
	reject func(reason string)

	mutex     sync.Mutex
	permitted int
	rejected  int
	decided   chan struct{} // closed once enough have been permitted, or can no longer be
}

func newQuorum(needed, pods int, reject func(reason string)) *quorum {
	return &quorum{needed: needed, pods: pods, reject: reject, decided: make(chan struct{})}
}

// refused says that one of the pods is not bound.
func (q *quorum) refused() {
	if q != nil && q.count(0, 1) && !q.reached() {
		q.reject(q.refusal())
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
	if q.reached() {
		return nil
	}
	return fwk.NewStatus(fwk.Unschedulable, q.refusal())
}

// count adds pods, and reports whether this decided the matter. What happens to a pod later does not matter to the others.
func (q *quorum) count(permitted, rejected int) bool {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if q.isDecided() {
		return false
	}
	q.permitted += permitted
	q.rejected += rejected
	if !q.isDecided() {
		return false
	}
	close(q.decided)
	return true
}

func (q *quorum) isDecided() bool {
	return q.permitted >= q.needed || q.rejected > q.pods-q.needed
}

func (q *quorum) reached() bool {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	return q.permitted >= q.needed
}

func (q *quorum) refusal() string {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	return fmt.Sprintf("rejected with its pod group while waiting on permit: %d pods needed, %d of %d rejected", q.needed, q.rejected, q.pods)
}
