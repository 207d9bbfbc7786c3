package engine

import (
	"time"

	"k8s.io/utils/clock"
)

// Look is what an observation can learn from the engine itself. It is good for the one observation that got it.
type Look struct {
	clock      clock.PassiveClock
	memory     *memory
	remembered func(key any) any
}

// At is a look without memory, at a time that stands still: everything is seen for the first time then.
func At(now time.Time) Look { return Look{clock: stopped(now), memory: &memory{}} }

// Now is the time, for an observation that is about time, as in "no heartbeat has been seen since".
func (l Look) Now() time.Time { return l.clock.Now() }

// Since is when the engine was first shown the present fact about a subject of this key, with nothing else in between:
// since when a heartbeat has not moved, or a node has been missed. It is for facts that carry no time, and for those whose
// time is of another machine's clock. Facts are compared; what they say is the loop's own business. What may come and go
// between two observations belongs into the fact, as the version of what was seen.
//
// A fact ends with the first observation that succeeds without asking for it: then its time begins anew. A restart forgets
// all; then everybody has the full time again, as should be after nobody watched for a while.
func (l Look) Since(subject, fact string) time.Time {
	return l.memory.sightings.since(subject, fact, l.clock.Now())
}

// Remembered is what the last plan for a key, this one or another of the engine, left to later looks ([Plan.Remember]); nil if none
// has, or nothing is remembered of the key. It is for what a decision weighs that no object carries, as what was recommended in the
// last minutes. A restart forgets it, and so does the end of the key. It must not be changed.
func (l Look) Remembered(key any) any {
	if l.remembered == nil {
		return nil
	}
	return l.remembered(key)
}

// UnderWay reports that a [Task] of this key is being done: it was begun by an earlier pass, and has not ended.
func (l Look) UnderWay(task string) bool { return l.memory.underWay(task) }

// Tasks are the names of all tasks of this key that are under way, sorted. What one that is not among them has done can be
// observed from now on.
func (l Look) Tasks() []string { return l.memory.running() }

// Turn is what an actor can ask of the engine during one pass.
type Turn struct{ memory *memory }

// First reports whether to say something about a subject of this key: nothing, or something else, was said in the pass
// before this one. What a pass does not say ends, and is said again when it comes back.
func (t Turn) First(subject, said string) bool { return t.memory.first(subject, said) }

// stopped is a clock that always shows the same time.
type stopped time.Time

func (s stopped) Now() time.Time                  { return time.Time(s) }
func (s stopped) Since(t time.Time) time.Duration { return time.Time(s).Sub(t) }
