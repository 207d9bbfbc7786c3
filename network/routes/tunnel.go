package routes

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/network/ipfamily"
	"github.com/orrery-dev/orrery/network/overlay"
)

// tunnel is the device that leads to nodes on other links, as it should be. There is one only where some node needs it.
type tunnel struct {
	device overlay.Device
	// able says that there can be one: that it is wanted, and that this machine has the address of its Node, which others send to.
	able bool
	// pods is the range of all pods. What goes to an address of it would go through the device: so no end of the device can have one.
	pods netip.Prefix
	// links are this machine's, source the address of its own packets, and peers the nodes that it is for, by their addresses.
	links  []Link
	source netip.Addr
	peers  map[netip.Addr]string
}

// newTunnel has no peers. It is for IPv4.
func newTunnel(w World) tunnel {
	own, local := self(ipfamily.IPv4, w) // the ranges of this node's pods, and its address if that is this machine's
	t := tunnel{links: w.Links, pods: ipfamily.IPv4.Range(w.ClusterCIDRs), peers: map[netip.Addr]string{}}
	for _, link := range w.Links {
		for _, address := range link.Addresses {
			if address.Addr() == local {
				t.able, t.device = w.Overlay && !t.pods.Contains(local), overlay.New(t.pods, local, link.MTU)
			}
			if slices.ContainsFunc(own, func(p netip.Prefix) bool { return p.Contains(address.Addr()) }) {
				t.source = address.Addr() // answers to it come through the tunnel too
			}
		}
	}
	return t
}

// leadsTo says whether a node is reached through the device: one that is not a neighbour of this one. Two nodes are neighbours if they
// have their addresses on one link, which is the same question for both: a packet that one sends through its device needs the other's.
func (t *tunnel) leadsTo(node netip.Addr) bool {
	if !t.able || !ipfamily.IPv4.Has(node) || node.IsLoopback() || isLocal(t.links, node) || t.pods.Contains(node) {
		return false
	}
	return !slices.ContainsFunc(t.links, func(l Link) bool {
		return slices.ContainsFunc(l.Addresses, func(p netip.Prefix) bool { return p.Contains(node) && p.Contains(t.device.Local) })
	})
}

// way is the route to a node through the device.
func (t *tunnel) way(node netip.Addr) Route {
	return Route{Via: node, Link: t.device.Name, OnLink: true, From: t.source}
}

func (t *tunnel) meet(name string, node netip.Addr) { t.peers[node] = name }

// change plans what is left to do for the device to be as it should, and says whether there is another than before.
func (t *tunnel) change(p *engine.Plan[table], present overlay.State) (other bool) {
	if len(t.peers) == 0 {
		if present.Device != nil {
			p.Do(&unmake{present.Device.Name})
		}
		return present.Device != nil
	}
	if other = present.Device == nil || *present.Device != t.device; other {
		p.Do(&makeDevice{t.device})
		present.Peers = nil
	}
	for _, peer := range present.Peers {
		if t.peers[peer] == "" {
			p.Do(&forget{t.device.Name, peer})
		}
	}
	for _, peer := range slices.SortedFunc(maps.Keys(t.peers), netip.Addr.Compare) {
		if !slices.Contains(present.Peers, peer) {
			p.Do(&meet{t.device.Name, peer, t.peers[peer]})
		}
	}
	return other
}
