// Package terminatedpodgc deletes the oldest pods that have ended when there are too many. It is the part of
// kube-controller-manager's pod-garbage-collector-controller that --terminated-pod-gc-threshold is about; the part that looks
// at pods and their nodes is package podgc.
//
// Terminated are pods with the phase Succeeded or Failed. It watches pods that become so, and leaves everything else alone.
//
// # What it promises
//
//   - One pass decides for all of them, at most once a second, however many end: the surplus is counted once, and the pass
//     after it sees what it deleted.
//   - Of too many those go first that were evicted, and then the oldest.
//   - No pod is deleted that has not ended, and none as long as there are no more than the threshold, 12,500 by default.
//   - One that only its finalizers keep is not deleted again; it counts until it is gone.
package terminatedpodgc
