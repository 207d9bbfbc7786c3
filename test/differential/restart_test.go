package differential

import (
	"context"
	"sync"
	"time"
)

// between is how long controllers run at least between two restarts: all scenarios that want one meanwhile get the same.
const between = 40 * time.Second

// steady is held by each step of a scenario, and by nobody while the controllers are restarted: what is recorded as an Event when they
// stop may be lost, on either side. That nothing else is lost then is what package looptest shows of every loop.
var steady sync.RWMutex

var restarting struct {
	sync.Mutex
	next chan struct{}
	last time.Time
}

// restartBoth returns when the controllers of both sides have been restarted.
func restartBoth() {
	restarting.Lock()
	if restarting.next == nil {
		done := make(chan struct{})
		restarting.next = done
		time.AfterFunc(time.Until(restarting.last.Add(between)), func() {
			steady.Lock()
			defer steady.Unlock()
			restarting.Lock()
			restarting.next, restarting.last = nil, time.Now()
			restarting.Unlock()
			if err := restart(); err != nil {
				panic(err)
			}
			close(done)
		})
	}
	done := restarting.next
	restarting.Unlock()
	<-done
}

func restart() error {
	for _, s := range []*side{ours, theirs} {
		if err := s.stop(); err != nil {
			return err
		}
	}
	if err := queued.stopped(); err != nil {
		return err
	}
	for _, s := range []*side{ours, theirs} {
		if err := s.start(context.Background()); err != nil {
			return err
		}
	}
	return nil
}
