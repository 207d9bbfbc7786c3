// Package pods is the loop that makes the pods of one node run: what pod workers, PLEG and status manager are in a kubelet.
//
// It is a loop of framework/engine, whose keys are UIDs of pods. A pass observes the pod and what the runtime has of it
// (World), plans by a pure function (decide in plan.go), and acts by steps of which each says why. A pod that is at rest costs
// no goroutine.
//
// What takes long is a task, which no pass waits for: to prepare volumes, to create the sandbox, to start a container (with the
// pull and the postStart hook), to run a preStop hook, to stop a container, and to write the status. While tasks are under way
// the passes of their pod go on, so that whatever else changes about it is told. A task that no plan wants any more is called off:
// the start of a container whose pod is deleted meanwhile. A stop with a shorter grace is another task.
//
// What it promises:
//
//   - No container ever has two running instances. It is started only from an observation, made after its last start had ended,
//     that saw no instance of it running in any sandbox of the pod.
//   - Of the containers of a pod one starts at a time, in the order of the spec. It counts as running when its postStart hook has
//     ended, and the next one starts then.
//   - A container that has begun to be stopped is stopped, within the grace that it was given or a shorter one; its preStop hook
//     runs once.
//   - A container that has ended for good is not run again, in whatever sandbox. A pod whose containers have all ended for good is
//     over, and its sidecars are stopped.
//   - A pod has the requests and limits that it was allocated: those of its spec when it was let in, or of a later one for which there
//     was room. What it really has follows, never with a container that may use more than its pod, and survives the agent in between.
//   - The pods of a node never are allocated more than it has. Those that have run before come first; for a critical one others end.
//   - A pod is in no terminal phase before its last container has ended.
//   - A static pod runs whether there is an API server or not. Of one name at most one runs: another one, or the same once more, starts
//     when nothing of the one before is left.
//   - Nothing is taken away from under a task: sandboxes, volumes and the pod itself go when nothing is under way any more.
//   - What runs goes on when the agent is started anew: all that a pass needs is in the API or in the runtime, or, of a pod that was
//     resized, on the disk. Only pace is lost: back-offs begin anew, and a preStop hook that was running runs once more.
//   - Containers do not depend on the API server. A status that cannot be written is tried again; a pod that was seen once
//     goes on. The last status is written before the object is removed.
//   - A pod that is deleted has its containers stopped with their preStop hooks and their grace, sidecars last and in
//     reverse order, before the object is removed. What is left of pods that nobody knows any more (CleanUpOrphanedPods) is
//     stopped the same way.
//
// What it never does: it touches no sandbox that is not marked as this node's, adds no finalizer, and writes nothing of a pod but
// its status.
//
// # Deletion under the two namings
//
// The Kubernetes API deletes pods gracefully: the object stays, with a deletionTimestamp and a grace, until the agent removes
// it. A pod that is a custom resource disappears at once when it is deleted, unless somebody's finalizer holds it. The
// agent adds no finalizer of its own, for a pod must not become undeletable when its node is lost; it remembers the pod as
// it was last seen, and stops its containers with the grace of its spec. A new pod with the same name waits on the same
// node until that is done. Where one server shows a pod under both names, one that was deleted by its Kubernetes name is
// waiting to be removed, and the agent does so under either naming.
package pods
