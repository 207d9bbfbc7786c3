// Package podgc deletes pods that nobody else will: their node agent is gone, or there never was one. It is the part of
// kube-controller-manager's pod-garbage-collector-controller that looks at one pod and its node; the other part, pods that
// have ended, is package terminatedpodgc.
//
//	orphaned                   its node does not exist: it has been missed for 40 s, and the API server misses it too
//	unscheduled, terminating   it is being deleted and was never bound: at once
//	terminating, out of service   it is being deleted, and its node is not ready and has the taint node.kubernetes.io/out-of-service
//
// It watches pods, and nodes that come, go or are out of service. The deletion is immediate. A pod that has not ended gets
// the phase Failed before it, for there is nobody to say so later; an orphaned one also the condition DisruptionTarget with
// the reason DeletionByPodGC.
//
// # What it promises
//
//   - A pod whose node exists and is in service is never deleted.
//   - A node is missed by our own clock, from when a pass did not find it and every one since has not; one that was in
//     sight in between, in the cache or at the API server, has the whole time again.
//   - What stands in the way of one pod holds up no other.
package podgc
