// Package nodeipam gives each node the addresses of its pods: spec.podCIDRs. It is kube-controller-manager's
// node-ipam-controller with the range allocator.
//
// A node without them gets the first free range of its size from each cluster CIDR: one per IP family. What a node has is
// never changed, and the API server would not allow it; when the node is gone it is free again. It watches nodes that come,
// go, or get CIDRs from somebody.
//
// # What it promises
//
//   - No two nodes get ranges that overlap: one pass decides for all nodes, and the next one waits until it sees what was
//     written. Ranges that somebody else gave to nodes, and those of Services, are left out.
//   - A pass costs as much as there are nodes, however many of them have no range.
//   - A node that cannot be written holds up no other, and keeps no range from one.
//   - If a cluster CIDR has no free range, the node gets none of any, and is looked at again every minute.
//
// # What it says
//
// The events CIDRNotAvailable, where there is no free range, once, and CIDRAssignmentFailed, where the node could not be written.
package nodeipam
