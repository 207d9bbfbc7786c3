// Package node keeps the Node object of an agent, and its Lease, up to date.
//
// It owns what a node says of itself: addresses, capacity and allocatable, conditions with upstream's reasons, images,
// system information. Status is pure; Machine reads this machine; Heart writes leases each 10 seconds and statuses when
// they change, or each 5 minutes, for one node or for thousands with a handful of goroutines.
//
// As with the kubelet, a Node that somebody deletes while its agent runs is not made again before the agent starts anew.
package node
