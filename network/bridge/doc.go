// Package bridge is the pod network of one node: a Linux bridge whose pods get their addresses from one range,
// or from one of each IP family.
//
// It owns, for one named control plane on one host: the bridge device and its addresses (the pods' gateways), the CNI configuration
// by which a container runtime attaches pods to it, the kernel settings both need, and a small nftables table that gives pods
// the node's address when they talk to the world outside, and keeps them from the host's loopback addresses.
//
// What it promises:
//
//   - Names never collide: two control planes with different names and ranges live side by side on one host.
//   - Every packet between two pods passes the host's IP layer, even when both are on this bridge. So a reply to a translated
//     connection always finds its way back through the translation, and a packet filter sees what goes from pod to pod. How that is
//     brought about depends on the host, which we leave as it is: see passage.
//   - Sources are preserved: a pod sees another pod's own address; only traffic that leaves the cluster is masqueraded.
//   - No pod reaches what listens on the host's loopback addresses, or passes for it, though host ports can be reached there.
//   - The gateways' addresses exist as soon as Up returns, before there is any pod: a server may listen on them.
//   - Up again changes nothing; Down leaves nothing behind but the host's IP forwarding. Where pods have addresses of IPv6, links on which
//     the host has learned of a router go on to hear of routers (accept_ra=2), which forwarding would have ended.
//
// It never attaches a pod itself: the runtime does, by CNI. It never touches a rule or a device that it did not make: where the
// host's own firewall refuses to forward, it has to be told to let the bridge's range pass.
package bridge
