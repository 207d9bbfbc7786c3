// Package nodeagent makes a machine, or a simulation of many, into nodes of a cluster.
//
// An Agent is one node over a container runtime that speaks CRI v1. A Fleet is any number of simulated nodes in one process: they
// share one watch of the pods, the goroutines that send heartbeats, and one server, and each of them costs little more than its name.
// Both register Node objects, renew leases, report status, and drive the same pod loop (package pods). Of the nodes of one process
// none waits for the runtime of another.
//
// Rooms: pods decides and acts; admission has the last word on whether a pod can run here, and judges knows whether others have judged it;
// static reads the manifests of a node's own pods, and mirror shows these in the API; cri is the contract with the runtime, with deadlines
// for its calls, and simulated a runtime that runs nothing; status, restart, env, probes and cgroups are what the loop computes with; host,
// volumes and objects are the node's side of a pod; assignments gives it what it has for itself: devices of plugins (devices), CPUs (cpus)
// and memory (memory), of the NUMA nodes that topology says; claims has drivers prepare what it claims of resources; plugins finds the
// plugins of the node, and csi are the drivers of volumes; checkpoint keeps what outlives the agent; logs, imagegc and eviction keep the
// node from running out of things, by what stats measures, and shutdown has pods end before the machine goes down; node is the Node object
// and its Lease; server is the kubelet's HTTPS API, and podresources its API for who monitors devices; kubeletconfig reads how a node is
// configured, and userns has the IDs of pods with users of their own.
//
// It works alike under both namings, but for three things: how a pod is deleted (see package pods), the group that its client speaks
// to, which the scheme decides, and that an Agent runs no pod that is a custom resource beyond the baseline level, unless it was judged or
// is trusted.
package nodeagent
