package volumes

import (
	"sync"

	"github.com/orrery-dev/orrery/nodeagent/csi"
)

// known is what was done since the agent was started. What was done before that is done once more: drivers have to bear it, and it mends
// what a restart of the machine has taken away.
type known struct {
	mu sync.Mutex
	// staged are the volumes that are, and published those that pods have, by the directory of the pod and the volume's name.
	staged    map[csi.Volume]bool
	published map[[2]string]bool
}

func (k *known) isStaged(v csi.Volume) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.staged[v]
}

func (k *known) setStaged(v csi.Volume, staged bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.staged[v] = staged
	if !staged {
		delete(k.staged, v)
	}
}

func (k *known) isPublished(dir, name string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.published[[2]string{dir, name}]
}

func (k *known) setPublished(dir, name string, published bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.published[[2]string{dir, name}] = published
	if !published {
		delete(k.published, [2]string{dir, name})
	}
}
