package loop

import (
	"slices"
	"sync"
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// remembered is how many plans of an object are kept.
const remembered = 8

// Pass is a plan that was carried out.
type Pass struct {
	// At is when it was decided.
	At time.Time
	// Plan is the plan in prose, as plan.Plan's String has it.
	Plan string
	// Error is what went wrong in carrying it out; empty means that nothing did.
	Error string
}

// history keeps the last plans of each object. It holds prose, not plans: a plan would keep whole objects alive.
type history struct {
	mu     sync.Mutex
	passes map[client.ObjectKey][]Pass
}

func newHistory() *history { return &history{passes: map[client.ObjectKey][]Pass{}} }

// add remembers a plan that had anything in it.
func (h *history) add(key client.ObjectKey, at time.Time, decided *plan.Plan, err error) {
	if decided.Empty() && err == nil {
		return
	}
	pass := Pass{At: at, Plan: decided.String()}
	if err != nil {
		pass.Error = err.Error()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.passes[key] = append(h.passes[key], pass)
	if surplus := len(h.passes[key]) - remembered; surplus > 0 {
		h.passes[key] = slices.Delete(h.passes[key], 0, surplus)
	}
}

// of is what is remembered of an object, the newest first.
func (h *history) of(key client.ObjectKey) []Pass {
	h.mu.Lock()
	defer h.mu.Unlock()
	passes := slices.Clone(h.passes[key])
	slices.Reverse(passes)
	return passes
}

func (h *history) forget(key client.ObjectKey) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.passes, key)
}
