package bindqueue

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// Queue is the pods that wait for their turn, and the turns. It is safe for concurrent use.
type Queue struct {
	ahead int
	// turns has an element for each binding under way.
	turns chan struct{}

	mutex   sync.Mutex
	waiting map[types.UID]struct{}
	// room is closed when there is room again. Nil means that nobody waits for that.
	room chan struct{}
}

// New returns an empty queue, with atOnce turns at a time, that has room for as long as fewer than ahead pods wait.
func New(atOnce, ahead int) *Queue {
	return &Queue{ahead: ahead, turns: make(chan struct{}, atOnce), waiting: map[types.UID]struct{}{}}
}

// Expect says that a pod is decided on, and will soon ask for its turn.
func (q *Queue) Expect(pod types.UID) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.waiting[pod] = struct{}{}
}

// Leave says that a pod waits for its turn no longer, if it did. It may still ask for it.
func (q *Queue) Leave(pod types.UID) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	delete(q.waiting, pod)
	if q.room != nil && q.hasRoom() {
		close(q.room)
		q.room = nil
	}
}

// Turn waits until it is the pod's turn, which ends when end is called. The error is why ctx has ended before.
func (q *Queue) Turn(ctx context.Context, pod types.UID) (end func(), err error) {
	q.Expect(pod)
	defer q.Leave(pod)
	select {
	case q.turns <- struct{}{}:
		return func() { <-q.turns }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Room waits until another pod may be decided on. It reports false where ctx has ended before.
func (q *Queue) Room(ctx context.Context) bool {
	for ctx.Err() == nil {
		room := q.awaitRoom()
		if room == nil {
			return true
		}
		select {
		case <-room:
		case <-ctx.Done():
		}
	}
	return false
}

// awaitRoom returns what is closed when there is room, or nil where there is some.
func (q *Queue) awaitRoom() <-chan struct{} {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if q.hasRoom() {
		return nil
	}
	if q.room == nil {
		q.room = make(chan struct{})
	}
	return q.room
}

func (q *Queue) hasRoom() bool { return len(q.waiting) < q.ahead }

// UnderWay returns how many turns have begun and not ended, and whether that is as many as can be.
func (q *Queue) UnderWay() (number int, all bool) {
	number = len(q.turns)
	return number, number == cap(q.turns)
}
