// Package queue decides which pod is tried next, and when a pod that fits nowhere is tried again.
//
// A pending pod is in one of four places, or in flight, which is between Pop and either Done or Requeue:
//
//	active         to be tried now, in the order of the QueueSort plugin
//	backoff        to be tried once its back-off has passed, or earlier when nothing is active
//	unschedulable  refused; waits for an event that one of the plugins which refused it cares for
//	gated          held back by a PreEnqueue plugin; a kind of unschedulable that was never tried
//
// The back-off is 1 s after the first refusal and doubles up to 10 s. A pod whose attempt failed by an error (not by a
// refusal) always comes back after its back-off, and never earlier; that there are no nodes is a refusal. A pod that no
// event brought back for 5 minutes comes back anyway.
//
// No wake-up is lost: events that arrive while a pod is in flight are kept until it is Done or Requeued, and decide
// then. So a pod never waits for something that has happened already.
//
// Once UseGroups is called, the pending pods of a pod group are one entry. It is popped with all its pods, has the priority
// of the group, is gated as long as one of its pods is, and comes back when an event may help any of them. Pods of a
// group whose object has not been seen wait for that; those that come while it is in flight, for the end of the attempt,
// which is RequeueGroup.
//
// The queue also remembers which pods are nominated to which node. It is safe for concurrent use, runs plugins' PreEnqueue
// and hint functions under its lock (they are meant to be quick), and never calls the API.
package queue
