// Package podresources tells monitoring agents of the node what pods have for themselves: it is the kubelet's pod resources API
// (podresources v1), at the socket kubelet.sock in the directory pod-resources of the node.
//
// It is devices of plugins, CPUs, memory of certain NUMA nodes, and what was prepared of their claims.
//
// List and Get tell it of pods and their containers, but for init containers that have ended or will have; GetAllocatableResources tells what
// there is to be given. A device that is near to several NUMA nodes is told once for each of them, as by a kubelet. Answers are made from
// what is known at the time, and change nothing.
//
// Requests beyond 100 a second are refused, after a burst of 10. Who may open the socket may ask.
package podresources
