// Package replicacontrol keeps as many pods of one template as a set asks for, and counts them. A ReplicaSet and a
// ReplicationController are such sets: they differ in their selectors and in what their statuses can say.
//
// [Observe] reads a set's pods, [Plan] decides, [Count] and [Failure] are what a status says of it.
//
// # What it promises
//
//   - Claims are settled before anything is counted: see package ownership.
//   - Pods that have ended or are being deleted do not count, and are replaced at once.
//   - Of too many pods those go first which are missed the least: see package replicas.
//   - At most 500 pods are created or deleted in one pass.
//   - A set that is being deleted gets no pods and loses none.
//
// It is pure, but for Observe, which only reads.
package replicacontrol
