package envtest

import (
	"slices"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// Clock is a clock that stands still until [Environment.Advance] moves it. It is safe for concurrent use.
type Clock struct {
	mu     sync.Mutex
	now    time.Time
	timers []*timer // those that are set, in no order
}

var _ clock.WithTickerAndDelayedExecution = (*Clock)(nil)

// NewClock is a clock that shows a time; the zero time means the present. What the API server itself writes into objects, as their
// creationTimestamp, is of the real clock: a test that compares the two begins at the present.
func NewClock(at time.Time) *Clock {
	if at.IsZero() {
		at = time.Now()
	}
	return &Clock{now: at}
}

// timer is one that has been asked for.
type timer struct {
	clock *Clock
	at    time.Time
	every time.Duration // 0 for one that fires once
	c     chan time.Time
	do    func() // in the place of c
}

// Now is what it shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Since is how long ago a time was.
func (c *Clock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// After is a channel that gets the time after d.
func (c *Clock) After(d time.Duration) <-chan time.Time { return c.NewTimer(d).C() }

// Sleep returns when the clock has been advanced by d.
func (c *Clock) Sleep(d time.Duration) { <-c.After(d) }

// NewTimer is a timer that fires after d.
func (c *Clock) NewTimer(d time.Duration) clock.Timer {
	t := &timer{clock: c, c: make(chan time.Time, 1)}
	t.set(d)
	return t
}

// AfterFunc calls a function after d: when the clock is advanced that far, by who advances it.
func (c *Clock) AfterFunc(d time.Duration, f func()) clock.Timer {
	t := &timer{clock: c, do: f}
	t.set(d)
	return t
}

// NewTicker is a ticker. Nobody waits for its ticks: it ticks once at each time to which the clock is moved, if one is due by then.
func (c *Clock) NewTicker(d time.Duration) clock.Ticker {
	t := &timer{clock: c, every: d, c: make(chan time.Time, 1)}
	t.set(d)
	return ticker{t}
}

// Tick is the channel of a ticker that nobody stops.
func (c *Clock) Tick(d time.Duration) <-chan time.Time { return c.NewTicker(d).C() }

// C is where the time comes.
func (t *timer) C() <-chan time.Time { return t.c }

// Stop has it fire no more, and says whether it would have.
func (t *timer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	return t.unset()
}

// Reset has it fire after d.
func (t *timer) Reset(d time.Duration) bool {
	was := t.Stop()
	t.set(d)
	return was
}

func (t *timer) set(d time.Duration) {
	c := t.clock
	c.mu.Lock()
	t.at = c.now.Add(d)
	fires := d <= 0 && t.every == 0
	if !fires {
		c.timers = append(c.timers, t)
	}
	now := c.now
	c.mu.Unlock()
	if fires && t.do != nil {
		go t.do() // who asks may hold what it needs
	} else if fires {
		t.fire(now)
	}
}

// unset takes it from those that are set. The clock's lock is held.
func (t *timer) unset() bool {
	i := slices.Index(t.clock.timers, t)
	if i >= 0 {
		t.clock.timers = slices.Delete(t.clock.timers, i, i+1)
	}
	return i >= 0
}

func (t *timer) fire(now time.Time) {
	if t.do != nil {
		t.do()
		return
	}
	select {
	case t.c <- now:
	default: // the last one has not been taken yet
	}
}

// ticker is a timer that nobody resets.
type ticker struct{ *timer }

func (t ticker) Stop() { t.timer.Stop() }

// next is the earliest time up to some other at which a timer fires, but for tickers; ok is whether there is one.
func (c *Clock) next(until time.Time) (at time.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at = until
	for _, t := range c.timers {
		if t.every == 0 && !t.at.After(at) {
			at, ok = t.at, true
		}
	}
	return at, ok
}

// moveTo shows a time, and fires all timers that are due by then.
func (c *Clock) moveTo(now time.Time) {
	c.mu.Lock()
	c.now = now
	var due []*timer
	for _, t := range slices.Clone(c.timers) {
		if t.at.After(now) {
			continue
		}
		due = append(due, t)
		if t.every == 0 {
			t.unset()
			continue
		}
		for !t.at.After(now) {
			t.at = t.at.Add(t.every)
		}
	}
	c.mu.Unlock()
	for _, t := range due {
		t.fire(now)
	}
}
