// Package topology knows how a machine is made, and decides to which of its NUMA nodes a container is bound: it is the kubelet's topology
// manager.
//
// Machine is what the kernel tells of CPUs, cores, sockets, caches and NUMA nodes; Read reads it.
//
// Whoever gives containers something of the machine for themselves (CPUs, memory, devices) says by hints to which sets of nodes that
// could be bound, and which of these it prefers. Policy.Merge makes one of them: the set that all can agree on, and whether the container
// may run then. It is pure, and follows the kubelet's rules for best-effort, restricted and single-numa-node.
//
// It gives nothing to anybody (package assignments has that done), and does not look at the machine again: nodes and CPUs that come and go
// are another machine, to an agent that is started anew.
package topology
