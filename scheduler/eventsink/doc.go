// Package eventsink sends the scheduler's Events, later than they are recorded.
//
// To the API server an Event costs about as much as a binding. A scheduler that sends both at once places pods at half the
// speed just when there are many of them. So a Sink takes Events at once, and sends them
//
//   - as soon as the scheduler has nothing more urgent to do,
//   - at the latest 10 seconds after they were recorded, and
//   - when more than 20,000 wait,
//
// a few at a time, the oldest first. What waits when the scheduler ends is still sent, for up to 2 seconds. Events tell
// people what has happened; the state of the cluster does not depend on them, and one that the server refuses is logged
// and lost.
//
// A Sink is an events.EventSink, so that what comes before it (the recorder, and the counting of Events that are alike) is
// client-go's.
package eventsink
