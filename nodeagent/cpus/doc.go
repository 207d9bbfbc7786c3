// Package cpus gives containers CPUs for themselves: it is the kubelet's CPU manager with its static policy.
//
// A container of a Guaranteed pod that requests whole CPUs is given as many of them (exclusive CPUs), when its pod is let in, and has them
// until the pod is over. All other containers share what is left (the shared pool), which shrinks and grows with that. CPUs that are reserved
// for the system are never given to anybody; with strict-cpu-reservation they are not shared either.
//
//   - Which CPUs are given (take.go, distribute.go), and on which NUMA nodes there could be some (hints.go), are pure decisions, by the
//     kubelet's rules: whole nodes, sockets, caches and cores before single CPUs, those first of which the least is free.
//   - Who has which CPUs is kept in cpu_manager_state in the node's directory, before a container has them. A state of another policy, or that
//     does not fit the machine or what is reserved now, is an error, as with a kubelet: the node has to be drained and the file removed.
//   - The containers that share have to follow the pool while they run. A Reconciler has the runtime give each container the CPUs that it
//     is to have, when that has changed.
//
// What it promises: no CPU is given to two pods, nor to two containers of a pod that can run at the same time; containers that share never
// lose their last CPU. A container that is given CPUs may share them for a moment, until those that had them are told to leave.
package cpus
