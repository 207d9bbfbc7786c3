// Package node keeps the Node object of an agent, and its Lease, up to date.
//
// It owns what a node says of itself: addresses, capacity and allocatable, conditions with upstream's reasons, images,
// system information; and what is kept of it from pods (ReservedSettings). Of what the node is short it is told. Status is pure;
// MachineCapacity and MachineInfo read this machine. A Heartbeat is one node's status updates and lease renewals; Heartbeats sends those
// of one node or of thousands with a handful of goroutines: it renews leases every 10 seconds, looks at statuses as often, and writes one
// when the API server shows another, or after 5 minutes.
//
// Neither lease nor status waits for the container runtime. What it said last counts for 30 seconds, and from then on the node is not
// ready because "container runtime is down"; a runtime that cannot list its pods for three minutes makes it not ready because "PLEG is
// not healthy", in the kubelet's words for that.
//
// As with the kubelet, a Node that somebody deletes while its agent runs is not made again before the agent starts anew.
package node
