// Package nodeipam gives each node a range of addresses for its pods.
//
// A node without spec.podCIDRs gets the first free range of its size from each range of the cluster: one per IP family.
// What a node has is never changed, and the API server would not allow it; when the node is deleted it is free again.
//
// No two nodes get ranges that overlap: one pass decides for all nodes, and the next one waits until it sees what was
// written. The ranges of Services, if they lie in the cluster's, are left out.
//
// If there is no free range, the node gets none, the event CIDRNotAvailable once, and is looked at again every minute.
package nodeipam
