// Package memory has the memory of containers come from certain NUMA nodes: it is the kubelet's memory manager with its Static policy.
//
// A container of a Guaranteed pod is given the memory and the huge pages that it requests, of as few nodes as have them or of those that package
// topology chose; the kernel then serves it from there alone (cpuset.mems). So much of each node is set aside for it until its pod is over. Other
// containers may use all nodes, and nothing is set aside for them.
//
// Nodes that give something together, to a container that is too large for one of them, are a group for as long as that is so: none of them is in
// another group, nor chosen for a container alone. Else there could be enough in each of two nodes, and too little in both for who needs them
// together.
//
// What is decided is pure (policy.go, hints.go), by the kubelet's rules. What was given is in memory_manager_state in the node's directory
// before a container has it; a state that does not fit the machine, or what is reserved on it, is an error: the node has to be drained and the
// file removed.
package memory
