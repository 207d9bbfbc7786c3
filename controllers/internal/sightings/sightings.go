package sightings

import (
	"sync"
	"time"
)

// forgotten is how long a subject is remembered that nobody asks about.
const forgotten = 24 * time.Hour

// Sightings remembers, for each subject, the last fact about it and since when it holds. The zero value remembers
// nothing. It is safe for concurrent use.
type Sightings[S comparable] struct {
	mu    sync.Mutex
	seen  map[S]sighting
	sweep time.Time
}

type sighting struct {
	fact        string
	since, last time.Time
}

// Since is when the fact about the subject was first seen, with no other seen in between. If it is news, that is now.
func (s *Sightings[S]) Since(subject S, fact string, now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = map[S]sighting{}
	}
	s.forget(now)
	seen, ok := s.seen[subject]
	if !ok || seen.fact != fact {
		seen = sighting{fact: fact, since: now}
	}
	seen.last = now
	s.seen[subject] = seen
	return seen.since
}

// Forget drops what is known of a subject.
func (s *Sightings[S]) Forget(subject S) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.seen, subject)
}

// forget drops, now and then, the subjects that nobody has asked about for long.
func (s *Sightings[S]) forget(now time.Time) {
	if now.Sub(s.sweep) < forgotten {
		return
	}
	s.sweep = now
	for subject, seen := range s.seen {
		if now.Sub(seen.last) >= forgotten {
			delete(s.seen, subject)
		}
	}
}
