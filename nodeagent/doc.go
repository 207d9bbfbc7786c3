// Package nodeagent makes a machine, or a simulation of many, into nodes of a cluster.
//
// An Agent is one node over a container runtime that speaks CRI v1. A Fleet is any number of simulated nodes in one process: they
// share one watch of the pods, the goroutines that send heartbeats, and one server, and each of them costs little more than its name.
// Both register Node objects, renew leases, report status, and drive the same pod loop (package pods). Of the nodes of one process
// none waits for the runtime of another.
//
// Rooms: pods decides and acts; admission has the last word on whether a pod can run here; cri is the contract with the runtime, with
// deadlines for its calls, and simulated a runtime that runs nothing; status, restart, env, probes and cgroups are what the loop
// computes with; host, volumes and objects are the node's side of a pod; logs and eviction keep the disk from filling; node is the Node object
// and its Lease; server is the kubelet's HTTPS API.
//
// It works alike under both namings. The only differences are how a pod is deleted (see package pods) and the group that its
// client speaks to, which the scheme decides.
package nodeagent
