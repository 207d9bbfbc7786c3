package devicetaints

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// Evictions count the pods that rules have evicted since it was made, which a rule's status tells and nothing in the API does. One loop
// evicts, and another one tells. The zero value has counted none; a nil one counts nothing.
type Evictions struct {
	mu      sync.Mutex
	evicted map[types.UID]int
}

// Count counts a pod that some rules have evicted.
func (t *Evictions) Count(rules []types.UID) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.evicted == nil {
		t.evicted = map[types.UID]int{}
	}
	for _, rule := range rules {
		t.evicted[rule]++
	}
}

// Of is how many pods a rule has evicted.
func (t *Evictions) Of(rule types.UID) int {
	if t == nil {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.evicted[rule]
}
