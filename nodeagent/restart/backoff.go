package restart

import (
	"cmp"
	"time"
)

// The kubelet's figures for crashing containers and for image pulls.
const (
	InitialDelay = 10 * time.Second
	MaxDelay     = 5 * time.Minute
)

// Limit is the longest wait, if not MaxDelay. The first wait is no longer, and twice as long after the last failure the back-off is
// forgotten.
type Limit time.Duration

func (l Limit) longest() time.Duration { return cmp.Or(time.Duration(l), MaxDelay) }

// BackOff says how long to wait between attempts. The zero value is one that has never failed.
type BackOff struct {
	// Delay is the wait after the last failure.
	Delay time.Duration
	// Updated is when the last attempt was allowed.
	Updated time.Time
}

// Until returns when the next attempt may be made, given when the last one ended; a time that is not in the future
// means at once. The first failure is tried again at once, as by the kubelet.
func (b BackOff) Until(ended time.Time, limit Limit) time.Time {
	if b.forgotten(ended, limit) {
		return ended
	}
	return ended.Add(b.Delay)
}

// Next returns the back-off after another attempt was allowed at now, where the attempt before ended at ended.
func (b BackOff) Next(ended, now time.Time, limit Limit) BackOff {
	delay := min(2*b.Delay, limit.longest())
	if b.forgotten(ended, limit) {
		delay = min(InitialDelay, limit.longest())
	}
	return BackOff{Delay: delay, Updated: now}
}

func (b BackOff) forgotten(ended time.Time, limit Limit) bool {
	return b.Delay == 0 || ended.Sub(b.Updated) > 2*limit.longest()
}
