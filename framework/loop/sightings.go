package loop

import (
	"sync"
	"time"

	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Live is the API server behind the reader that Observe got, for what no cache holds: the objects of kinds that are not
// worth watching, and the one that a decision which cannot be taken back rests on. What is read through it is not
// waited for after own writes, since it shows them. Of any other reader it is that reader.
func Live(read client.Reader) client.Reader {
	if o, ok := read.(observer); ok {
		return o.surroundings().live
	}
	return read
}

// Now is the time of the loop whose reader Observe got, for an observation that is about time, as in "no heartbeat has
// been seen since". Of any other reader it is the real time.
func Now(read client.Reader) time.Time {
	if o, ok := read.(observer); ok {
		return o.surroundings().clock.Now()
	}
	return time.Now()
}

// Since is when the loop whose reader Observe got was first shown the present fact about a subject, with no other in
// between: since when a heartbeat has not moved, or a node has been missed. It is for facts that carry no time, and for
// those whose time is of another machine's clock. Facts are compared; what they say is the controller's own business.
//
// It is all that a loop remembers, and a restart forgets it: then everybody has the full time again, as should be after
// nobody watched for a while. For a reader that is no loop's, it is now.
func Since(read client.Reader, subject, fact string) time.Time {
	if o, ok := read.(observer); ok {
		s := o.surroundings()
		return s.sightings.since(subject, fact, s.clock.Now())
	}
	return time.Now()
}

// surroundings are what Observe can learn from its reader besides the cache.
type surroundings struct {
	live      client.Reader
	clock     clock.PassiveClock
	sightings *sightings
}

// observer is a reader that knows its surroundings.
type observer interface{ surroundings() surroundings }

// preview is the reader of an observation that no loop makes. It has no memory.
type preview struct {
	client.Reader
	at time.Time
}

func (p preview) surroundings() surroundings {
	return surroundings{live: p.Reader, clock: stopped(p.at), sightings: &sightings{}}
}

// stopped is a clock that always shows the same time.
type stopped time.Time

func (s stopped) Now() time.Time                  { return time.Time(s) }
func (s stopped) Since(t time.Time) time.Duration { return time.Time(s).Sub(t) }

// forgotten is how long a subject is remembered that nobody asks about.
const forgotten = 24 * time.Hour

// sightings are the last fact about each subject, and since when it holds. The zero value is empty.
type sightings struct {
	mu    sync.Mutex
	seen  map[string]sighting
	swept time.Time
}

type sighting struct {
	fact        string
	since, last time.Time
}

func (s *sightings) since(subject, fact string, now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = map[string]sighting{}
	}
	s.sweep(now)
	seen, ok := s.seen[subject]
	if !ok || seen.fact != fact {
		seen = sighting{fact: fact, since: now}
	}
	seen.last = now
	s.seen[subject] = seen
	return seen.since
}

// sweep forgets, now and then, the subjects that nobody has asked about for long.
func (s *sightings) sweep(now time.Time) {
	if now.Sub(s.swept) < forgotten {
		return
	}
	s.swept = now
	for subject, seen := range s.seen {
		if now.Sub(seen.last) >= forgotten {
			delete(s.seen, subject)
		}
	}
}
