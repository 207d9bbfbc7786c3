package activity

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/orrery-dev/orrery/framework/queue"
	"k8s.io/utils/clock"
)

// Tracker knows what is under way. It is safe for concurrent use. A nil Tracker can be told of everything, and knows nothing.
type Tracker struct {
	clock clock.WithTickerAndDelayedExecution

	mu       sync.Mutex
	underWay map[string]int // what is under way, and how often
	begun    uint64         // how much has begun at all
	rewound  uint64
	caches   map[Cache]struct{}
	queues   map[*func() []Wake]struct{}
	asked    map[*question]struct{}
	changed  chan struct{} // closed by the next change
}

// question is one that a part has to be asked.
type question struct{ busy func() string }

// Wake is something that is to be done later.
type Wake = queue.Wake

// New is a tracker of which keys rest by a clock; nil means the real one.
func New(by clock.WithTickerAndDelayedExecution) *Tracker {
	if by == nil {
		by = clock.RealClock{}
	}
	return &Tracker{
		clock: by, underWay: map[string]int{}, caches: map[Cache]struct{}{}, queues: map[*func() []Wake]struct{}{},
		asked: map[*question]struct{}{}, changed: make(chan struct{}),
	}
}

// Clock is the one by which keys rest: of a nil Tracker the real one.
func (t *Tracker) Clock() clock.WithTickerAndDelayedExecution {
	if t == nil {
		return clock.RealClock{}
	}
	return t.clock
}

// Begin says that something is under way, until end is called, which may be more than once.
func (t *Tracker) Begin(what string) (end func()) {
	if t == nil {
		return func() {}
	}
	t.Began(what)
	return sync.OnceFunc(func() { t.Ended(what) })
}

// Began says that something is under way, for who counts by itself and says as often that it has Ended.
func (t *Tracker) Began(what string) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.underWay[what]++
	t.begun++
}

// Ended says that something which Began is not under way any more.
func (t *Tracker) Ended(what string) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.underWay[what]--; t.underWay[what] == 0 {
		delete(t.underWay, what)
	}
	if len(t.underWay) == 0 {
		t.tell()
	}
}

// tell lets whoever waits look again. The lock is held.
func (t *Tracker) tell() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// Changed lets whoever waits for rest look again: a cache shows more than it did.
func (t *Tracker) Changed() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tell()
}

// Rewind says that what is stored has been made what it was at some earlier time: what somebody wrote since need not show any more.
func (t *Tracker) Rewind() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rewound++
}

// Rewound is how often that has happened.
func (t *Tracker) Rewound() uint64 {
	if t == nil {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.rewound
}

// Ask has a part asked that cannot tell by itself what it does: busy is what keeps it busy, or empty. It is asked again and again
// while somebody waits.
func (t *Tracker) Ask(busy func() string) (forget func()) {
	if t == nil {
		return func() {}
	}
	q := &question{busy}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked[q] = struct{}{}
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.asked, q)
	}
}

// Due is what is to be done later, the earliest first.
func (t *Tracker) Due() []Wake {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	queues := slices.Collect(maps.Keys(t.queues))
	t.mu.Unlock()
	var due []Wake
	for _, q := range queues {
		due = append(due, (*q)()...)
	}
	slices.SortFunc(due, func(a, b Wake) int {
		if order := a.At.Compare(b.At); order != 0 {
			return order
		}
		return strings.Compare(a.What, b.What)
	})
	return due
}

// UnderWay is what is under way, in words, sorted.
func (t *Tracker) UnderWay() []string {
	words, _, _ := t.look()
	return words
}

// look is what is under way, how much has begun so far, and what tells of the next change.
func (t *Tracker) look() (words []string, begun uint64, changed <-chan struct{}) {
	if t == nil {
		return nil, 0, nil
	}
	t.mu.Lock()
	for what, times := range t.underWay {
		if times > 1 {
			what = fmt.Sprintf("%s (%d times)", what, times)
		}
		words = append(words, what)
	}
	begun, changed = t.begun, t.changed
	asked := slices.Collect(maps.Keys(t.asked))
	t.mu.Unlock()
	for _, q := range asked {
		if what := q.busy(); what != "" {
			words = append(words, what)
		}
	}
	slices.Sort(words)
	return words, begun, changed
}

// AddQueue has a queue asked for what is due later, until it is to be forgotten.
func (t *Tracker) AddQueue(resting func() []Wake) (forget func()) {
	if t == nil {
		return func() {}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	q := &resting
	t.queues[q] = struct{}{}
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.queues, q)
	}
}
