package pods

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

const (
	// collectPatience is how long pods that are over have to get rid of what the runtime has of them.
	collectPatience = 30 * time.Second
	collectPoll     = 50 * time.Millisecond
)

// DeleteAllUnusedContainers removes containers, sandboxes and logs of pods that are over, though their objects are still there, and
// returns when that is done. What their statuses say stays.
func (l *Loop) DeleteAllUnusedContainers(ctx context.Context) error {
	l.mu.Lock()
	var over []types.UID
	for uid, w := range l.workers {
		if w.memory.Cleaned && !w.gone && !w.orphan {
			w.memory.Collect = true
			over = append(over, uid)
		}
	}
	l.mu.Unlock()
	for _, uid := range over {
		l.Wake(uid)
	}
	end := l.Clock.Now().Add(collectPatience)
	for {
		left := l.uncollected(over)
		switch {
		case left == 0:
			return nil
		case !l.Clock.Now().Before(end):
			return fmt.Errorf("removing the containers of pods that are over: those of %d pods are still there after %s", left, collectPatience)
		}
		timer := l.Clock.NewTimer(collectPoll)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C():
		}
	}
}

// uncollected is how many of the pods have not done it yet.
func (l *Loop) uncollected(uids []types.UID) (n int) {
	for _, uid := range uids {
		l.change(uid, func(w *worker) {
			if w.memory.Collect {
				n++
			}
		})
	}
	return n
}

// noteCollected says that the runtime has nothing of a pod any more.
type noteCollected struct{ reason }

func (s *noteCollected) Verb() string   { return "collect" }
func (s *noteCollected) String() string { return "remove the logs of the pod" }

func (s *noteCollected) Do(_ context.Context, a *actor) error {
	if err := a.Host.RemoveLogs(a.pod()); err != nil {
		return fmt.Errorf("removing the logs of pod %s: %w", nameOf(a.pod()), err)
	}
	a.remember(func(m *Memory) { m.Collect = false })
	return nil
}
