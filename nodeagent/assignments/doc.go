// Package assignments gives pods what they have for themselves of the node, before anything of them is made: the devices of plugins,
// CPUs and memory. It is what the kubelet's container manager does when a pod is admitted.
//
// It knows the containers of a pod and their order, and leaves to who manages a kind of thing (packages devices, cpus and memory) what a
// container gets of it. Where containers are bound to NUMA nodes, it has package topology choose these from what all of the managers can
// offer; then one pod is given what it asks for at a time, so that what was free for the choice still is when it is used. A pod that cannot
// be given all that it asks for is refused, with the kubelet's reasons and messages. What it was given until then, and what a pod has that
// is over, is taken back by Release.
//
// Pods that have run before an agent was started have what they were given then: the managers keep that on the disk. A container of such a
// pod that has nothing, since it was made when nobody offered any, is given it before it is started again.
package assignments
