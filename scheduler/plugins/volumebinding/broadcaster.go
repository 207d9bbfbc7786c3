package volumebinding

import "sync"

// pulse wakes everybody who waits. Its zero value is ready.
type pulse struct {
	mutex sync.Mutex
	next  chan struct{} // nil: nobody waits
}

// wait returns a channel that is closed at the next beat.
func (p *pulse) wait() <-chan struct{} {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.next == nil {
		p.next = make(chan struct{})
	}
	return p.next
}

func (p *pulse) beat() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.next != nil {
		close(p.next)
		p.next = nil
	}
}
