// Package routes lets the pods of one node reach those of other nodes on the same link: what the route controller of a cloud provider,
// or flannel's host-gw, does. Which node has which pods is in the Node objects; no packet passes through this process.
//
// It is a loop of package engine with one key, since there is one routing table:
//
//   - Observe reads all Nodes from the cache, and this machine's links and those of its routes that are ours.
//   - Plan has a route for each range of pods (spec.podCIDRs) of each other Node whose InternalIP is an address on a link of this
//     machine, and removes the rest of ours.
//   - Steps add, change and remove single routes.
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
//   - This machine's own packets to pods of other nodes bear the InternalIP of its Node, where that is an address of this machine.
//   - A Node that is not ready keeps its routes: nobody else has its pods.
//
// What it does not do: it gives no route to a Node on another link, where the machine's other routes have to lead there by
// themselves. An overlay, as VXLAN, would be for those; there is none yet. It knows IPv4 only.
package routes
