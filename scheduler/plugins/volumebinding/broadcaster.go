package volumebinding

import "sync"

// broadcaster wakes everybody who waits. Its zero value is ready.
type broadcaster struct {
	mutex sync.Mutex
	next  chan struct{} // nil: nobody waits
}

// wait returns a channel that is closed at the next broadcast.
func (p *broadcaster) wait() <-chan struct{} {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.next == nil {
		p.next = make(chan struct{})
	}
	return p.next
}

func (p *broadcaster) broadcast() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.next != nil {
		close(p.next)
		p.next = nil
	}
}
