package endpoints

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/utils/ptr"
)

// Endpoint is where a connection may end, with what decides whether it is sent there.
type Endpoint struct {
	Address netip.AddrPort
	// Node is where it is, and Hostname what it is called among its Service's; empty where its slice does not say.
	Node, Hostname string
	// Ready takes connections. Serving means that it still does while it terminates.
	Ready, Serving bool
	// Nodes and Zones are those whose traffic it is best for; none where nobody says.
	Nodes, Zones []string
}

// Of are the endpoints of a Service's port, by slices of that Service, in the order of their addresses and each address once. Where two
// slices tell different things of one, as happens while it moves from slice to slice, the better is believed. Slices of another family
// are passed over. No port (nil) means any: then their ports are 0.
func Of(slicesOf []*discoveryv1.EndpointSlice, port *corev1.ServicePort, family discoveryv1.AddressType) []Endpoint {
	found := map[netip.AddrPort]Endpoint{}
	for _, slice := range slicesOf {
		number, ok := portOf(slice, port)
		if slice.AddressType != family || !ok {
			continue
		}
		for i := range slice.Endpoints {
			e, ok := read(&slice.Endpoints[i], number)
			if !ok {
				continue
			}
			other := found[e.Address]
			e.Ready, e.Serving = e.Ready || other.Ready, e.Serving || other.Serving
			e.Node, e.Hostname = cmp.Or(e.Node, other.Node), cmp.Or(e.Hostname, other.Hostname)
			e.Nodes, e.Zones = append(e.Nodes, other.Nodes...), append(e.Zones, other.Zones...)
			found[e.Address] = e
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b Endpoint) int { return a.Address.Compare(b.Address) })
}

// portOf finds a Service's port among a slice's ports: by its name, which is empty where there is only one, and its protocol.
func portOf(slice *discoveryv1.EndpointSlice, port *corev1.ServicePort) (uint16, bool) {
	if port == nil {
		return 0, true
	}
	for _, p := range slice.Ports {
		if ptr.Deref(p.Name, "") == port.Name && ptr.Deref(p.Protocol, corev1.ProtocolTCP) == cmp.Or(port.Protocol, corev1.ProtocolTCP) && p.Port != nil {
			return uint16(*p.Port), true
		}
	}
	return 0, false
}

// read reads an endpoint. All addresses of one endpoint reach the same pod, so the first is enough. Conditions that are nil have the
// meaning that the API gives them: ready, and serving where ready.
func read(e *discoveryv1.Endpoint, port uint16) (Endpoint, bool) {
	if len(e.Addresses) == 0 {
		return Endpoint{}, false
	}
	address, err := netip.ParseAddr(e.Addresses[0])
	if err != nil {
		return Endpoint{}, false
	}
	is := Endpoint{
		Address: netip.AddrPortFrom(address, port), Node: ptr.Deref(e.NodeName, ""), Hostname: ptr.Deref(e.Hostname, ""),
		Ready: ptr.Deref(e.Conditions.Ready, true),
	}
	is.Serving = ptr.Deref(e.Conditions.Serving, is.Ready) && ptr.Deref(e.Conditions.Terminating, false)
	if e.Hints != nil {
		for _, n := range e.Hints.ForNodes {
			is.Nodes = append(is.Nodes, n.Name)
		}
		for _, z := range e.Hints.ForZones {
			is.Zones = append(is.Zones, z.Name)
		}
	}
	return is, true
}

// Usable are the ready endpoints, or, where none is, those that still serve while they terminate:
// https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#conditions
func Usable(all []Endpoint) []Endpoint {
	var ready, serving []Endpoint
	for _, e := range all {
		switch {
		case e.Ready:
			ready = append(ready, e)
		case e.Serving:
			serving = append(serving, e)
		}
	}
	if len(ready) > 0 {
		return ready
	}
	return serving
}
