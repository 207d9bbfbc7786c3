package dra

import (
	"sync"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	toolscache "k8s.io/client-go/tools/cache"
)

// listeners tell handlers of changes, in the order in which they were announced and one at a time. A handler may call
// back, so nobody waits for a handler while holding a lock.
type listeners struct {
	mutex      sync.Mutex
	handlers   []toolscache.ResourceEventHandler
	announced  []func(toolscache.ResourceEventHandler)
	delivering bool
}

func (l *listeners) add(handler toolscache.ResourceEventHandler) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.handlers = append(l.handlers, handler)
}

// announce queues a change from old to new, of which one may be nil. Call deliver without locks soon after.
func (l *listeners) announce(old, new any) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if len(l.handlers) == 0 {
		return
	}
	l.announced = append(l.announced, func(handler toolscache.ResourceEventHandler) {
		switch {
		case old == nil:
			handler.OnAdd(new, false)
		case new == nil:
			handler.OnDelete(old)
		default:
			handler.OnUpdate(old, new)
		}
	})
}

// deliver calls the handlers for everything that is queued, unless another goroutine is at it already.
func (l *listeners) deliver() {
	for {
		tell, handlers := l.next()
		if tell == nil {
			return
		}
		for _, handler := range handlers {
			func() {
				defer utilruntime.HandleCrash()
				tell(handler)
			}()
		}
		l.delivered()
	}
}

func (l *listeners) next() (func(toolscache.ResourceEventHandler), []toolscache.ResourceEventHandler) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.delivering || len(l.announced) == 0 {
		return nil, nil
	}
	tell := l.announced[0]
	l.announced = l.announced[1:]
	l.delivering = true
	return tell, l.handlers
}

func (l *listeners) delivered() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.delivering = false
}
