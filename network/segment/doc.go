// Package segment is the network segment that joins several nodes on one machine: what a switch and cables are to machines in a rack.
//
// It owns, for one named control plane on one host: a bridge, on which the host itself has the first address of a range; for each further
// node a network namespace, with one end of a veth pair in it as eth0 and the other as a port of the bridge; and a small nftables table that
// gives those nodes the host's address when they talk to the world outside.
//
// The first node is the host, and has no namespace. Node n, from 2 on, has the nth address of the range; its default route is the host.
//
// What it promises:
//
//   - Names never collide: two control planes with different names and ranges live side by side on one host.
//   - A namespace goes on when no process is left in it, with all links in it: it is pinned by a mount in [Dir]. So pods keep their network
//     while nobody looks after them.
//   - Sources are preserved within the cluster: only what leaves it is masqueraded.
//   - Up and Join again change nothing, or repair what is missing; Remove leaves nothing behind but the host's IP forwarding, and finds
//     what there is by looking at the machine.
//
// It knows nothing of pods. How nodes find each other's is the business of package routes.
package segment
