// Package proxy makes services reachable on one node, as kube-proxy does in its nftables mode: it translates a service's addresses to
// those of its endpoints, in the kernel, by one table of nftables. No packet passes through this process.
//
// It is a loop of package engine with one key, since there is one table:
//
//   - Observe reads all Services and EndpointSlices and this node's Node from the cache, and what the kernel's table holds.
//   - Plan computes, as a pure function, the table that is wanted, and compares. Package nft has the table as data, the difference, which
//     says for each change what changes and why, and the client that reads and writes.
//   - One step carries the whole difference out in one transaction. Another forgets flows of UDP, after each change, so that the next
//     packet of a flow whose endpoint or Service is gone finds its way anew; it is done again until it succeeds. Others say at the health
//     check node ports of Services how many endpoints are here.
//
// What wakes it: a change of a Service, an EndpointSlice or this node's labels and taints, after a rest of 20 ms in which further ones are
// gathered, and a change of nftables by anybody else, for which the kernel is asked once a second.
//
// What it promises:
//
//   - A connection to a cluster IP, node port, external IP or a load balancer's address (in the mode VIP) goes to one of the service's
//     ready endpoints, or, when there is none that is ready, to one that still serves while it terminates. With no endpoint at all it is
//     refused at once. Endpoints are chosen as kube-proxy does, and a test compares.
//   - Of the ready endpoints those are chosen that hint at this node, or else at its zone, where all have such hints and one is for us.
//   - A load balancer's address is reached from loadBalancerSourceRanges only, if there are any; from pods and from this node too, without
//     a way through whoever announces it.
//   - Established connections stay where they are.
//   - Session affinity by client IP, internalTrafficPolicy and externalTrafficPolicy do what the Service says.
//   - A pod reaches itself through its own service (hairpin).
//   - A pod's address is preserved, except on the way to itself and from outside the cluster under externalTrafficPolicy Cluster.
//   - Whatever somebody else does to the table is undone by the pass that the next question leads to: tables, chains, rules, sets, maps and
//     elements, added, changed or removed. Clients with session affinity are remembered through that unless the whole table has to be
//     replaced; package nft says when. They are forgotten when the process restarts.
//   - For a Service of type LoadBalancer under externalTrafficPolicy Local it says at the health check node port how many ready endpoints
//     are on this node, with 503 where there is none. At /healthz it says whether the node is to get new connections: not once it is
//     being deleted, or is to be by the cluster autoscaler, or the table could not be kept for a minute; /livez says the last alone.
//   - It touches its own table only, whose name holds the control plane's. Two control planes share a host when their service
//     ranges differ; a node port that both want goes to one of them.
//   - It runs on each node, elected or not, and also where there is no Service yet.
//
// The table is for both IP families, with the same chains, and with sets for each that the cluster has service addresses of. A node port
// is served on all of the node's own addresses but loopback ones, unless some are chosen. With thousands of services the table is
// planned whole for each change; only what differs is written. After a restart nobody knows which Services there were: flows of UDP to one
// that was deleted meanwhile go on.
package proxy
