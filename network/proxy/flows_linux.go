package proxy

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// udpFlows decides which flows are to be forgotten. It is a filter for the kernel's table of connections.
type udpFlows struct {
	services  map[netip.AddrPort]map[netip.AddrPort]bool // a service's address, and its endpoints
	nodePorts map[uint16]map[netip.AddrPort]bool         // a node port, and its endpoints
}

// udpPorts knows all ports of services with UDP.
func udpPorts(ports []port) udpFlows {
	f := udpFlows{services: map[netip.AddrPort]map[netip.AddrPort]bool{}, nodePorts: map[uint16]map[netip.AddrPort]bool{}}
	for i := range ports {
		port := &ports[i]
		if port.protocol != "udp" {
			continue
		}
		to := map[netip.AddrPort]bool{}
		for _, e := range port.cluster {
			to[e.address] = true
		}
		for _, ip := range append(port.clusterIPs, port.externalIPs...) {
			f.services[netip.AddrPortFrom(ip, uint16(port.number))] = to
		}
		if port.nodePort != 0 {
			f.nodePorts[uint16(port.nodePort)] = to
		}
	}
	return f
}

func (f udpFlows) empty() bool { return len(f.services)+len(f.nodePorts) == 0 }

// MatchConntrackFlow says whether a flow is to be forgotten: it is one of UDP, to an address of a service, and what answers
// is none of its endpoints.
func (f udpFlows) MatchConntrackFlow(flow *netlink.ConntrackFlow) bool {
	if flow.Forward.Protocol != unix.IPPROTO_UDP {
		return false
	}
	asked, ok := netip.AddrFromSlice(flow.Forward.DstIP)
	if !ok {
		return false
	}
	answers, ok := netip.AddrFromSlice(flow.Reverse.SrcIP)
	if !ok {
		return false
	}
	asked, answers = asked.Unmap(), answers.Unmap()
	source := netip.AddrPortFrom(answers, flow.Reverse.SrcPort)
	if to, ok := f.services[netip.AddrPortFrom(asked, flow.Forward.DstPort)]; ok {
		return !to[source]
	}
	to, ok := f.nodePorts[flow.Forward.DstPort]
	return ok && answers != asked && !to[source]
}

// conntrack is the kernel's table of connections.
type conntrack struct{}

func (conntrack) Forget(udp udpFlows) error {
	_, err := netlink.ConntrackDeleteFilters(netlink.ConntrackTable, unix.AF_INET, udp)
	if err != nil && !errors.Is(err, unix.ENOENT) { // one may have ended by itself
		return fmt.Errorf("forgetting flows to endpoints that are gone: %w", err)
	}
	return nil
}
