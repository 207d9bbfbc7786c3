// Package plan is the decision of a control loop, as data.
//
// A Plan is an ordered list of steps, each with the sentence that says why it is taken, and a time to look again.
// A controller's Plan function builds one from what it observed, and does nothing else: it holds no client, no
// clock and no logger. The loop (package loop) carries the steps out. In between, a plan can be printed, compared,
// replayed and fuzzed:
//
//	patch ReplicaSet default/web-5d8f {"spec":{"replicas":2}}: scale down from 3 to 2: 4 pods available, at least 3 required
//
// # What it promises
//
//   - Building a plan changes none of the objects that it is built from.
//   - A step that would change nothing does not count: an empty plan means that the world is as it should be.
//   - Steps are carried out in order. A step that fails ends the plan, except that status steps are still taken:
//     users have to see how far a controller came.
//   - A write is locked to what was observed: a patch carries the resourceVersion, a deletion the UID. A write that
//     meets a changed object does nothing and ends in a conflict, after which the loop observes and plans anew.
//   - What is written is one part of an object: a patch leaves the status alone, a status everything else, a scale all but
//     the replicas.
//   - A step over many objects takes them side by side: one that meets a conflict or a protecting budget holds up no other.
//   - A deletion or a patch can be made to ask the API server itself right before it writes (Confirm).
//   - A panic in a step is the caller's panic, also where requests run side by side.
//
// # What it never does
//
// It knows no concrete kind, and decides nothing. What a plan and a step are, package engine says for every kind of world;
// this one has the steps of the Kubernetes API. Back-off, staleness, metrics and traces are the loop's.
package plan
