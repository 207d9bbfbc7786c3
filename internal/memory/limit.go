package memory

import "time"

const (
	// breath is for how long the reserve lasts: about how often the collector runs.
	breath = 30 * time.Second
	// leastReserve is the least that may be allocated between two collections.
	leastReserve = 16 << 20
)

// usage is what a process has in memory, in bytes.
type usage struct {
	// live is what the last collection found in use.
	live uint64
	// overhead is held for other things than objects: stacks, the collector's own tables, gaps between objects.
	overhead uint64
	// rate is how much is allocated in a second.
	rate float64
}

// reserve is how much may be allocated before the next collection. It is at most half of what is in use: what grows far in a burst
// keeps its gaps afterwards, between the few objects that stay.
func (u usage) reserve() uint64 {
	wanted := uint64(u.rate * breath.Seconds())
	return max(min(wanted, u.live/2), leastReserve)
}

// limit is the soft limit at which the next collection begins when the reserve is used up. The runtime takes off a margin of
// three percent before it compares.
func (u usage) limit() int64 {
	return int64(float64(u.live+u.overhead+u.reserve()) / 0.97)
}

// afterBurst reports that a limit is far below the highest one since memory was last given back.
func afterBurst(limit, highest int64) bool { return limit < highest/4*3 }
