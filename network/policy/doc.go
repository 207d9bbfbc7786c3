// Package policy keeps from the pods of one node what NetworkPolicies do not let through, and from the network what they do not let
// out, in the kernel, by one table of nftables. No packet passes through this process.
//
// It is a loop of package engine with one key, since there is one table:
//
//   - Observe reads all NetworkPolicies, Namespaces and Pods from the cache, and what the kernel's table holds.
//   - Plan computes, as a pure function, the table that is wanted, and compares. Package nft has the table as data, and the difference,
//     which says for each change what changes and why.
//   - The one step carries the difference out in one transaction: there is no moment at which a packet meets half of it.
//
// # The table
//
// It is passed where packets are forwarded, after services have been translated: what a policy says of pods holds for the pods behind
// a Service. The first packet of a connection meets two maps. One has the addresses of this node's pods that some policy isolates for
// egress, the other of those for ingress; each leads to the chain of the policies that select the pod. Pods with the same policies
// share a chain. It goes back where a rule lets the packet through, and ends by dropping it. Whom a selector selects is a set of
// addresses, which all rules with the same selector share: so a pod that comes or goes is an element of a few sets.
//
// # What it promises
//
// What https://kubernetes.io/docs/concepts/services-networking/network-policies/ says: peers by pods, namespaces and blocks of
// addresses with exceptions; ports by number, name and range, of TCP, UDP and SCTP; policies add up; a pod is isolated only in the
// directions that a policy names; a pod always reaches itself, and the node that it runs on and the pod always reach each other; the
// answers to what was let through come through. Where it leaves a choice:
//
//   - A connection that was let through stays, also when a policy is made later that would not let it through.
//   - A port by name is looked up at the pod that is called. Where a rule lets out to a port by name and names no pods, that is any pod.
//   - Pods on the host's network are the host: nothing isolates them, and no selector of pods finds them.
//
// It touches its own table only, whose name holds the control plane's; what somebody else does to it is undone by the next pass. It
// runs on each node, and decides for the pods of that node only. The table is for both IP families: pods with the same policies share a
// chain, whichever address a packet is to, and sets of addresses are for each family that the cluster has.
package policy
