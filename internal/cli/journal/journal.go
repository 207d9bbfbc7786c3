package journal

import (
	"sync"
	"time"
)

// Size is how many plans are kept.
const Size = 4096

// Entry is a plan that was carried out. Its JSON is stable: fields may be added.
type Entry struct {
	// Number counts entries from 1.
	Number uint64 `json:"number"`
	// At is when it was decided.
	At   time.Time `json:"at"`
	Loop string    `json:"loop"`
	// Of is the kind of what Key names, empty where a key stands for many things; Key is NAMESPACE/NAME, or NAME.
	Of  string `json:"of,omitempty"`
	Key string `json:"key"`
	// Plan is the plan in prose, a line a step.
	Plan string `json:"plan"`
	// Error is what went wrong in carrying it out; empty if nothing did.
	Error string `json:"error,omitempty"`
}

// Journal keeps entries. The zero value is empty. It is safe for concurrent use.
type Journal struct {
	mu   sync.Mutex
	kept []Entry // a ring: entry n is at (n-1) % Size
	last uint64
	// grown is closed by the next entry; nil while nobody waits for one.
	grown chan struct{}
}

// Add appends an entry, whose number it sets.
func (j *Journal) Add(e Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last++
	e.Number = j.last
	if len(j.kept) < Size {
		j.kept = append(j.kept, e)
	} else {
		j.kept[(e.Number-1)%Size] = e
	}
	if j.grown != nil {
		close(j.grown)
		j.grown = nil
	}
}

// After returns the entries after a number that are kept, the oldest first, and a channel that is closed once there are more. A
// number that was never given, as one of an earlier process, means all.
func (j *Journal) After(number uint64) ([]Entry, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.grown == nil {
		j.grown = make(chan struct{})
	}
	if number > j.last {
		number = 0
	}
	first := max(number+1, j.last-min(j.last, Size)+1)
	entries := make([]Entry, 0, j.last-first+1)
	for n := first; n <= j.last; n++ {
		entries = append(entries, j.kept[(n-1)%Size])
	}
	return entries, j.grown
}
