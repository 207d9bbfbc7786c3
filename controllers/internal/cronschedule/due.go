package cronschedule

import (
	"math"
	"time"

	"github.com/robfig/cron/v3"
)

// Many is how many missed times Kubernetes takes for a sign that something is wrong with a clock.
const Many = 100

// Due is what a schedule says about a time.
type Due struct {
	// Last is the latest time that has passed, if it is not served yet and not too late to serve; zero if there is none.
	Last time.Time
	// Missed is how many times have passed that are not too late, Last among them. It ends at [Many] and one.
	Missed int
	// Next is the time that comes next; zero if none does within five years.
	Next time.Time
}

// Due is what the schedule says now, if what was due at served, or before, has been served; served is when the schedule began
// where nothing has. What was due deadline seconds ago, or earlier, is too late; nil means that nothing ever is.
func (s Schedule) Due(served time.Time, deadline *int64, now time.Time) Due {
	served = served.In(now.Location()) // one zone for all, where the schedule has none
	due := Due{Last: s.last(served, now)}
	due.Next = s.next(served, due.Last, now)
	if deadline != nil && served.Before(now.Add(-seconds(*deadline))) {
		served = now.Add(-seconds(*deadline))
	}
	if !due.Last.After(served) {
		due.Last = time.Time{}
		return due
	}
	due.Missed = s.count(served, now)
	return due
}

// last is the latest time after served that is not after now; zero if there is none.
func (s Schedule) last(served, now time.Time) time.Time {
	if every, ok := s.times.(cron.ConstantDelaySchedule); ok {
		began := served.Truncate(time.Second)
		passed := now.Sub(began)
		if passed < every.Delay {
			return time.Time{}
		}
		return began.Add(passed - passed%every.Delay)
	}
	passed := func(from time.Time) bool {
		next := s.times.Next(from)
		return !next.IsZero() && !next.After(now)
	}
	if !passed(served) {
		return time.Time{}
	}
	// Something is due after from, and nothing after until: the two move together until they are a second apart.
	from, until := served, now
	for until.Sub(from) > time.Second {
		middle := from.Add(until.Sub(from) / 2)
		if passed(middle) {
			from = middle
		} else {
			until = middle
		}
	}
	return s.times.Next(from)
}

// next is the time that comes after now. A schedule by an interval goes on from its last time.
func (s Schedule) next(served, last, now time.Time) time.Time {
	every, ok := s.times.(cron.ConstantDelaySchedule)
	switch {
	case !ok:
		return s.times.Next(now)
	case last.IsZero():
		return every.Next(served)
	default:
		return every.Next(last)
	}
}

// count is how many times there are after from and not after now, up to Many and one.
func (s Schedule) count(from, now time.Time) int {
	if every, ok := s.times.(cron.ConstantDelaySchedule); ok {
		return int(max(1, min(now.Sub(from)/every.Delay, Many+1)))
	}
	n := 0
	for t := s.times.Next(from); n <= Many && !t.IsZero() && !t.After(now); t = s.times.Next(t) {
		n++
	}
	return n
}

// seconds are n of them, or as many as a duration can have.
func seconds(n int64) time.Duration {
	return time.Duration(min(n, int64(math.MaxInt64/time.Second))) * time.Second
}
