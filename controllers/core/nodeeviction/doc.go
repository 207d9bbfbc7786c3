// Package nodeeviction begins taint-based eviction: it gives nodes that are not ready the taint by which pods leave them, at
// the rate that their zone allows. It is the part of kube-controller-manager's node-lifecycle-controller that
// --node-eviction-rate is about; what nodes report, and their other taints, is package nodelifecycle, and the pods are evicted
// by package tainteviction.
//
// The taint is node.kubernetes.io/not-ready (Ready is False) or unreachable (Unknown) with effect NoExecute. It watches nodes
// that come, go, or turn ready or not. A node that never said whether it is ready is left alone.
//
// # Zones
//
// Nodes of one region and zone are a zone. How many of them are ready says what it is, and how fast its nodes get the taint:
//
//	Normal              less than 55% of them are not ready, or at most two        one node in 10 s
//	PartialDisruption   55% of them and more than two are not ready, others are    one in 100 s if it has more than 50; else none
//	FullDisruption      none is ready, though nodes of other zones are             one node in 10 s
//
// When all zones are fully disrupted it is the control plane that is cut off: then no node gets the taint, and those that have
// it lose it.
//
// # What it promises
//
//   - Within a zone no two nodes get the taint in a shorter time than the rate says, also when the first one has lost it since or
//     is gone: a fault of ours is found out before it has emptied the cluster. One pass decides for all nodes, and the next one
//     remembers. A restart forgets, so that every zone has the full time again.
//   - The node comes first that has not been ready for the longest.
//   - A node that is ready again loses the taint at once, and one whose condition turns from the one to the other changes it.
//   - Nodes with the label node.kubernetes.io/exclude-disruption do not count for what their zone is.
//   - Taints of others are left alone.
package nodeeviction
