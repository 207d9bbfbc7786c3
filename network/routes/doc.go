// Package routes lets the pods of one node reach those of other nodes: on the same link by a route, which is what the route controller of a
// cloud provider, or flannel's host-gw, does; on other links through the device of package overlay. Which node has which pods is in the
// Node objects; no packet passes through this process.
//
// It is a loop of package engine with one key, since there is one routing table:
//
//   - Observe reads all Nodes from the cache, and this machine's links, those of its routes that are ours, and the device.
//   - Plan has a route for each range of pods (spec.podCIDRs) of each other Node, and removes the rest of ours. Two Nodes whose
//     InternalIPs are on one link need no device; for others there is one, which knows them.
//   - Steps add, change and remove single routes and nodes that the device knows, and make and remove the device.
//
// It is woken by Nodes, and looks again every few seconds, so that routes come back which somebody removed, or which went with a link
// that was down.
//
// What it promises:
//
//   - A route is ours by its protocol ([Protocol]) and because it leads into the cluster's range of pods: so several control planes share
//     a machine. It touches no other route; where somebody else has one to the same range, the step fails and says so.
//   - No Node draws traffic that is not for pods: a range outside the cluster's, or one that overlaps this node's own, has no route. Of two
//     Nodes with the same range the older one has it.
//   - This machine's own packets to pods of other nodes bear the InternalIP of its Node, where that is an address of this machine; through
//     the device they bear its address among its own pods, so that answers come the same way.
//   - There is a device only while some Node needs it.
//   - A Node that is not ready keeps its routes: nobody else has its pods.
//
// What it does not do: where package overlay is not wanted, this machine does not have the InternalIP of its Node, or one of the two is
// an address of the pods' range, as on nodes of one machine, it gives no route to a Node on another link; the machine's other routes have
// to lead there. In IPv6 it knows neighbours only: the device is for IPv4.
package routes
