package volumes

import (
	"sync"

	"github.com/orrery-dev/orrery/nodeagent/csi"
)

// locks let one pod at a time act on a volume.
type locks struct {
	mu   sync.Mutex
	held map[csi.Volume]*lock
}

type lock struct {
	sync.Mutex
	users int
}

// lock waits for a volume; what it returns lets it go.
func (l *locks) lock(volume csi.Volume) (unlock func()) {
	l.mu.Lock()
	if l.held == nil {
		l.held = map[csi.Volume]*lock{}
	}
	of := l.held[volume]
	if of == nil {
		of = &lock{}
		l.held[volume] = of
	}
	of.users++
	l.mu.Unlock()
	of.Lock()
	return func() {
		of.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		if of.users--; of.users == 0 {
			delete(l.held, volume)
		}
	}
}
