// Package pods is the loop that makes the pods of one node run.
//
// It is a loop like every other of this project: observe the pod and what the runtime has of it (World), decide by a pure
// function (Decide), act by steps of which each says why. One pass is about one pod, and no pod has two passes at once;
// a pod that is at rest costs no goroutine.
//
// What it promises:
//
//   - No container ever has two running instances. A container is started only in a pass that saw no instance of it
//     running in any sandbox of the pod.
//   - What runs is adopted: all that a pass needs is in the API or in the runtime, so a restarted agent goes on where the
//     last one stopped. Only back-offs begin anew.
//   - Containers do not depend on the API server. A status that cannot be written is kept and tried again; a pod that was
//     seen once goes on.
//   - A pod that is deleted has its containers stopped with their preStop hooks and their grace, sidecars last and in
//     reverse order, before the object is removed. Sandboxes of pods that nobody knows any more are stopped the same way.
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
