package journal

import (
	"strings"
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
	// Times is how often it was carried out in a row, if that is more than once.
	Times int `json:"times,omitempty"`
}

// by is whose plan an entry is.
func (e Entry) by() [2]string { return [2]string{e.Loop, e.Key} }

// did is what the plan did, without when the loop looks again, which is another time each time.
func (e Entry) did() string {
	did, _, _ := strings.Cut("\n"+e.Plan, "\nlook again in ")
	return did
}

// Journal keeps entries. The zero value is empty. It is safe for concurrent use.
type Journal struct {
	mu   sync.Mutex
	kept []Entry // a ring
	last uint64
	// of are the numbers of the last entries that are kept of each loop and key.
	of map[[2]string]uint64
	// grown is closed by the next entry; nil while nobody waits for one.
	grown chan struct{}
}

// Add appends an entry, whose number it sets. A plan that was carried out before, and is now again without anything else for its
// key between, is not told again, unless it fails: it is counted. Refreshing something each minute is no news.
func (j *Journal) Add(e Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if before := j.of[e.by()]; before > 0 && e.Error == "" {
		if kept := &j.kept[slot(before)]; kept.Error == "" && kept.did() == e.did() {
			kept.Times = max(kept.Times, 1) + 1
			return
		}
	}
	j.last++
	e.Number = j.last
	j.keep(e)
	if j.grown != nil {
		close(j.grown)
		j.grown = nil
	}
}

func (j *Journal) keep(e Entry) {
	if j.of == nil {
		j.of = map[[2]string]uint64{}
	}
	if len(j.kept) < Size {
		j.kept = append(j.kept, e)
	} else {
		oldest := &j.kept[slot(e.Number)]
		if j.of[oldest.by()] == oldest.Number {
			delete(j.of, oldest.by())
		}
		*oldest = e
	}
	j.of[e.by()] = e.Number
}

// slot is where an entry is in the ring.
func slot(number uint64) uint64 { return (number - 1) % Size }

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
		entries = append(entries, j.kept[slot(n)])
	}
	return entries, j.grown
}
