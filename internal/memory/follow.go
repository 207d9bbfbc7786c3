package memory

import (
	"context"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// look is how often the limit is set anew when the collector does not run.
	look = 10 * time.Second
	// moment is the least time over which a rate says anything.
	moment = 100 * time.Millisecond
)

// Follow gives back what only the start has needed, and keeps the soft limit near what the process uses until ctx ends. One call a
// process, when it has started.
func Follow(ctx context.Context) {
	giveBack()
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	defer debug.SetMemoryLimit(math.MaxInt64)
	collected, stop := collections()
	defer stop()
	clock := time.NewTicker(look)
	defer clock.Stop()
	m := newMeter(time.Now())
	var highest int64
	for {
		select {
		case <-ctx.Done():
			return
		case <-collected:
		case <-clock.C:
		}
		limit := m.read(time.Now()).limit()
		debug.SetMemoryLimit(limit)
		highest = max(highest, limit)
		if afterBurst(limit, highest) {
			giveBack()
			highest = limit
		}
	}
}

// giveBack returns to the machine all that is not in use.
func giveBack() {
	debug.FreeOSMemory()
	_ = returnProgram() // it works as well with more in memory
}

// collections tells of the end of each collection, until stop is called. Those that happen while nobody listens are told once.
func collections() (ended <-chan struct{}, stop func()) {
	told := make(chan struct{}, 1)
	stopped := make(chan struct{})
	// Each collection finds this to be garbage, and it comes back to be found again.
	type phoenix struct{ _ *byte }
	var rise func(*phoenix)
	rise = func(p *phoenix) {
		select {
		case <-stopped:
			return
		case told <- struct{}{}:
		default:
		}
		runtime.SetFinalizer(p, rise)
	}
	runtime.SetFinalizer(&phoenix{}, rise)
	return told, func() { close(stopped) }
}

// The runtime's own figures, in the order of meter.samples.
const (
	total = iota
	released
	free
	objects
	live
	allocated
)

// meter reads the usage of this process.
type meter struct {
	samples []metrics.Sample
	at      time.Time
	before  uint64  // what had been allocated then
	rate    float64 // since then
}

func newMeter(now time.Time) *meter {
	m := &meter{samples: []metrics.Sample{
		total:     {Name: "/memory/classes/total:bytes"},
		released:  {Name: "/memory/classes/heap/released:bytes"},
		free:      {Name: "/memory/classes/heap/free:bytes"},
		objects:   {Name: "/memory/classes/heap/objects:bytes"},
		live:      {Name: "/gc/heap/live:bytes"},
		allocated: {Name: "/gc/heap/allocs:bytes"},
	}}
	metrics.Read(m.samples)
	m.at, m.before = now, m.get(allocated)
	return m
}

func (m *meter) get(figure int) uint64 { return m.samples[figure].Value.Uint64() }

// read returns what is in use now. The rate is that since the last reading which was not a moment ago.
func (m *meter) read(now time.Time) usage {
	metrics.Read(m.samples)
	if passed := now.Sub(m.at); passed >= moment {
		m.rate = float64(m.get(allocated)-m.before) / passed.Seconds()
		m.at, m.before = now, m.get(allocated)
	}
	return usage{
		live:     m.get(live),
		overhead: m.get(total) - m.get(released) - m.get(free) - m.get(objects),
		rate:     m.rate,
	}
}
