// Package nodelifecycle says how nodes are that cannot say so themselves, and marks nodes with what ails them. It is
// kube-controller-manager's node-lifecycle-controller without taint-based eviction, which is package nodeeviction's.
//
// A node agent renews a Lease in the namespace kube-node-lease, and now and then posts its Node's status. When neither
// has been seen to change for the grace period (50 s; 60 s for a node that never posted a status), the node is silent: its
// conditions Ready, MemoryPressure, DiskPressure and PIDPressure become Unknown. It watches nodes, these Leases, and pods that
// become ready.
//
// # What it promises
//
//   - Time counts by our own clock and from when a heartbeat was seen, so clocks that differ do no harm; after a restart, and
//     after it was replaced by another of its name, a node has the whole time.
//   - The API server itself is asked for the Lease and the Node before a node is declared silent: our watch might be what is
//     late.
//   - The taints follow the conditions: node.kubernetes.io/not-ready (Ready is False), unreachable (Unknown),
//     memory-pressure, disk-pressure, pid-pressure, network-unavailable and unschedulable, with effect NoSchedule.
//   - The pods of a node that is not ready are not ready: nobody else would say so.
//   - Taints of others are left alone, and so are those with effect NoExecute.
//
// # What it says
//
// The conditions' reasons are NodeStatusUnknown, and NodeStatusNeverUpdated for a condition that was never posted. The
// event NodeNotReady is recorded on a node that falls silent, and as a Warning on its pods; RegisteredNode on each node when the
// loop sees it first, also after a restart.
//
// # What differs
//
// kube-controller-manager says of a node that is gone that it is removed (RemovingNode). Nobody looks at a node then any more.
package nodelifecycle
