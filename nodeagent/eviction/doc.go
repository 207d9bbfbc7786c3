// Package eviction ends pods that use more of the node's disk than they may: the part of a kubelet's eviction manager that holds the
// limits of local ephemeral storage.
//
// It holds the sizeLimit of emptyDir volumes on the disk (those in memory are held by the kernel), and limits of ephemeral-storage: what
// a container has written to its own file system and to its log, and with its emptyDir volumes what the pod has. Only pods that have such
// limits are measured, as often as a kubelet does. Reasons and messages are the kubelet's.
//
// It never ends a pod because the node runs out of anything, and judges none that has no limit.
package eviction
