// Package tainteviction deletes the pods of a node that has a taint with effect NoExecute which they do not tolerate, or
// no longer. It is kube-controller-manager's taint-eviction-controller; packages nodelifecycle and nodeeviction set such
// taints.
//
// It works on pods that are bound to a node, whatever their phase. It watches them, and nodes whose taints with effect
// NoExecute change.
//
// # What it promises
//
//   - A toleration without tolerationSeconds is for ever. With them it lasts so long from when the taint was added, or, if
//     the taint does not say when, from when it was first seen; for a pod that came later, from when it was created. The first
//     toleration that ends counts.
//   - A pod whose node loses the taint in time stays, and has the whole time when the taint comes back or the node is replaced.
//     That a taint which does not say when it was added was away between two passes is told by the node's generation, which an
//     API server counts for custom resources and not for its own Nodes.
//   - The deletion is graceful, and asks no disruption budget: the node is not fit to run the pod.
//
// # What it says
//
// Before a pod is deleted it gets the condition DisruptionTarget with the reason DeletionByTaintManager, and the event
// TaintManagerEviction.
package tainteviction
