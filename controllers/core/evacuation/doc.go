// Package evacuation begins to empty the nodes that are not ready, one after another.
//
// It adds the taint node.kubernetes.io/not-ready (Ready is False) or unreachable (Unknown) with effect NoExecute, which
// makes pods leave when they no longer tolerate it (see package tainteviction), and removes it from nodes that are ready
// again. A node that never posted whether it is ready is left alone.
//
// # What it promises
//
//   - In a zone one node in 10 s gets the taint, the one first that has not been ready for the longest: a fault of ours is
//     found out before it has emptied the cluster. One pass decides for all nodes, and the next one sees what it wrote.
//   - Where 55% of a zone are not ready, and more than two, none gets it in a zone of up to 50 nodes, and one in 100 s
//     in a larger one.
//   - When no node of the cluster is ready it is the control plane that is cut off: then none has it.
//   - A node whose condition turns from the one to the other changes the taint at once.
//   - Nodes with the label node.kubernetes.io/exclude-disruption do not count for how a zone is.
//   - Taints of others are left alone.
package evacuation
