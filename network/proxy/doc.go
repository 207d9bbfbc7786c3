// Package proxy makes services reachable on one node: it translates a service's addresses to those of its pods, in the kernel, by one
// table of nftables. No packet passes through this process.
//
// It is a loop of the same three steps as every other:
//
//   - Observe reads all Services and EndpointSlices, and whether our table is still as we left it.
//   - Plan decides, as a pure function, what the whole table should hold. A Table is data: it prints as a script that nft accepts.
//   - Act changes the kernel's table in one transaction: chains that differ are rewritten, elements that differ are added or
//     removed. What is unknown, at a start or after an error, is replaced as a whole, also in one transaction.
//
// What it promises:
//
//   - A connection to a cluster IP, node port or external IP goes to one of the service's ready endpoints, or, when there is none
//     that is ready, to one that still serves while it terminates. With no endpoint at all it is refused at once.
//   - Established connections stay where they are.
//   - Session affinity by client IP, internalTrafficPolicy and externalTrafficPolicy do what the Service says.
//   - A pod reaches itself through its own service (hairpin).
//   - A pod's address is preserved, except on the way to itself and from outside the cluster under externalTrafficPolicy Cluster.
//   - UDP flows to an endpoint that is gone are forgotten, so that the next packet finds another one.
//   - It touches its own table only, whose name holds the control plane's. Two control planes share a host when their service
//     ranges differ; a node port that both want goes to one of them.
//
// Addresses are IPv4. Load balancers' addresses are not served, and topology hints are not followed. A node port is not served on
// loopback addresses.
package proxy
