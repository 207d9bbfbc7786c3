// Package announcer draws what other machines send to load balancers' addresses to a node, as MetalLB does in its layer 2 mode: it
// answers ARP for an address that lies in the network of one of this machine's links, and that no machine has itself.
//
// It is a loop of package engine with one key, since there is one machine:
//
//   - Observe reads Services, EndpointSlices and Nodes from the cache, and this machine's links.
//   - Plan elects a node for each address, as a pure function that comes to the same result on every node, and compares.
//   - Steps begin to answer, which is told to everybody on the link at once by a gratuitous answer, and fall silent.
//
// It is woken by those objects, and looks again every few seconds, for links come and go.
//
// What it promises:
//
//   - It answers for addresses in the status of Services of type LoadBalancer only, in the mode VIP, whose load balancer is one of this
//     control plane's: they hold the finalizer service.kubernetes.io/load-balancer-cleanup, and name our class or none.
//   - One node answers for an address: of the Nodes that are ready, and do not have the label
//     node.kubernetes.io/exclude-from-external-load-balancers, one that has its InternalIP in the same network as the address. Under
//     externalTrafficPolicy Local it has a ready endpoint, if any node has. Different addresses are spread over nodes, and a node that
//     comes or goes moves only those that are its own. Nodes that see different things for a moment may both answer, or none.
//   - Where no Node has its InternalIP in that network, as with a single node that others are not to know, this machine answers.
//   - Nobody answers any more when the process ends. The next node is chosen when the Node is seen to be not ready.
//
// It gives no link an address, and writes nothing else to the kernel: what comes for an address the service proxy translates, and the
// machine forwards. It knows IPv4 and Ethernet only.
package announcer
