// Package noderesourcesfit keeps pods away from nodes without enough CPU, memory, ephemeral storage, extended resources
// or room for another pod, and prefers nodes by how much of their resources is taken: the emptiest (LeastAllocated), the
// fullest (MostAllocated), or as a configured function of utilization says (RequestedToCapacityRatio).
//
// A node that could never hold the pod, however empty, is refused as unresolvable: evicting its pods would not help.
//
// Scores look at containers' requests only and leave out pod-level resources and what a resize still holds; so does
// kube-scheduler, and a differential test compares the two.
package noderesourcesfit
