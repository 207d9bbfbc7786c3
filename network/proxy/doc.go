// Package proxy makes services reachable on one node, as kube-proxy does in its nftables mode: it translates a service's addresses to
// those of its endpoints, in the kernel, by one table of nftables. No packet passes through this process.
//
// It is a loop of package engine with one key, since there is one table:
//
//   - Observe reads all Services and EndpointSlices from the cache, and what the kernel's table holds.
//   - Plan computes, as a pure function, the table that is wanted, and compares. Package nft has the table as data, the difference, which
//     says for each change what changes and why, and the client that reads and writes.
//   - There are two steps. One carries the whole difference out in one transaction. The other forgets flows of UDP, after each
//     change, so that the next packet of a flow whose endpoint is gone finds another one; it is done again until it succeeds.
//
// What wakes it: a change of a Service or an EndpointSlice, after a rest of 20 ms in which further ones are gathered, and a change of
// nftables by anybody else, for which the kernel is asked once a second.
//
// What it promises:
//
//   - A connection to a cluster IP, node port or external IP goes to one of the service's ready endpoints, or, when there is none
//     that is ready, to one that still serves while it terminates. With no endpoint at all it is refused at once.
//   - Established connections stay where they are.
//   - Session affinity by client IP, internalTrafficPolicy and externalTrafficPolicy do what the Service says.
//   - A pod reaches itself through its own service (hairpin).
//   - A pod's address is preserved, except on the way to itself and from outside the cluster under externalTrafficPolicy Cluster.
//   - Whatever somebody else does to the table is undone by the pass that the next question leads to: tables, chains, rules, sets, maps and
//     elements, added, changed or removed. Clients with session affinity are remembered through that unless the whole table has to be
//     replaced; package nft says when. They are forgotten when the process restarts.
//   - It touches its own table only, whose name holds the control plane's. Two control planes share a host when their service
//     ranges differ; a node port that both want goes to one of them.
//   - It runs on each node, elected or not, and also where there is no Service yet.
//
// Addresses are IPv4. Load balancers' addresses are not served, and topology hints are not followed. A node port is not served on
// loopback addresses. Flows of UDP to a Service that has been deleted go on to its endpoints. With thousands of services the table is
// planned whole for each change; only what differs is written.
package proxy
