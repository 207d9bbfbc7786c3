// Package status writes what the scheduler has to say into the status of pods, beside the scheduling loop.
//
// A pod that fits nowhere gets a condition, and one that others make room for a nominated node. Waiting for the API server
// to store that would hold up the pods after it. So Report only notes what is to be written, and a few workers write it.
//
// Of several reports on a pod that wait, the last one counts, part by part: a condition stays when a later report has none.
// There is never more than one request under way for a pod, and they keep their order. Flush waits until nothing is under
// way or waiting for a pod: before it is bound, so that the condition of an earlier attempt does not overwrite that of the
// binding.
//
// A report that cannot be written is logged and lost; the next attempt to schedule the pod makes another one.
package status
