package proxy

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A flow of UDP has no end: as long as packets come, the kernel sends them where it sent the first, also when that endpoint is gone.
// Such flows are forgotten, and the next packet is a first one.

// stale decides which flows to forget. It is a filter for the kernel's table of connections.
type stale struct {
	services  map[netip.AddrPort]map[netip.AddrPort]bool // a service's address, and its endpoints
	nodePorts map[uint16]map[netip.AddrPort]bool         // a node port, and its endpoints
}

// forget removes flows whose service would not send them any more where they go.
func forget(w World) error {
	s := staleFlows(w)
	if len(s.services) == 0 {
		return nil
	}
	_, err := netlink.ConntrackDeleteFilters(netlink.ConntrackTable, unix.AF_INET, s)
	if err != nil && !errors.Is(err, unix.ENOENT) { // it may have ended by itself
		return fmt.Errorf("forgetting flows to endpoints that are gone: %w", err)
	}
	return nil
}

// staleFlows knows all ports of UDP services.
func staleFlows(w World) stale {
	s := stale{services: map[netip.AddrPort]map[netip.AddrPort]bool{}, nodePorts: map[uint16]map[netip.AddrPort]bool{}}
	for _, port := range ports(w) {
		if port.protocol != "udp" {
			continue
		}
		to := map[netip.AddrPort]bool{}
		for _, e := range port.cluster {
			to[e.address] = true
		}
		for _, ip := range append(port.clusterIPs, port.externalIPs...) {
			s.services[netip.AddrPortFrom(ip, uint16(port.number))] = to
		}
		if port.nodePort != 0 {
			s.nodePorts[uint16(port.nodePort)] = to
		}
	}
	return s
}

// MatchConntrackFlow says whether a flow is to be forgotten: it is one of UDP, to an address of a service, and what answers
// is none of its endpoints.
func (s stale) MatchConntrackFlow(flow *netlink.ConntrackFlow) bool {
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
	if to, ok := s.services[netip.AddrPortFrom(asked, flow.Forward.DstPort)]; ok {
		return !to[source]
	}
	to, ok := s.nodePorts[flow.Forward.DstPort]
	return ok && answers != asked && !to[source]
}
