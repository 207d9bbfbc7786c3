// Package events tells as one stream what a cluster does: the plans that loops carried out and the decisions of the
// scheduler, with their reasons, and the Events of the API, by which everybody tells what became of it.
//
// It promises that each [Event] is one sentence about one object by one actor; that what was before a reader came is in the order
// of time, and what comes after in the order in which it arrives, with nothing lost between them and nothing twice; and that a step
// which only records an Event of the API is not told besides that Event.
//
// It keeps nothing. What there is to tell of the past is what its sources still have: the journal of the running instance, which
// begins with its process, and the API server's Events, which live for an hour.
package events
