// Package podgc deletes pods that nobody else will: their node agent is gone, or there never was one.
//
//	a pod of a node that does not exist         when the node has been missed for 40 s, and the API server misses it too
//	a deleted pod that was never bound          at once
//	a deleted pod of a node out of service      when the node is not ready and has the taint node.kubernetes.io/out-of-service
//	pods that have ended                        the oldest, those that were evicted first, beyond 12,500 in the cluster
//
// The deletion is immediate. A pod that has not ended gets the phase Failed before it, for there is nobody to say so
// later; one whose node is gone also the condition DisruptionTarget with the reason DeletionByPodGC.
//
// It never deletes a pod whose node exists and is in service, unless it has ended.
package podgc
