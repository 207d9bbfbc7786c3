package proxy

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/orrery-dev/orrery/network/ipfamily"
	"github.com/orrery-dev/orrery/network/nft"
)

// udpFlows decides which flows are to be forgotten. It is a filter for the kernel's table of connections.
type udpFlows struct {
	services  map[netip.AddrPort]map[netip.AddrPort]bool // a service's address, and its endpoints
	nodePorts map[uint16]map[netip.AddrPort]bool         // a node port, and its endpoints of both families
}

// udpPorts knows all ports of services with UDP, and those that are no more, which have no endpoint.
func udpPorts(ports []port, gone []departed) udpFlows {
	f := udpFlows{services: map[netip.AddrPort]map[netip.AddrPort]bool{}, nodePorts: map[uint16]map[netip.AddrPort]bool{}}
	for _, d := range gone {
		if d.address.IsValid() {
			f.services[netip.AddrPortFrom(d.address, d.port)] = nil
		} else {
			f.nodePorts[d.port] = nil
		}
	}
	for i := range ports {
		port := &ports[i]
		if port.protocol != "udp" {
			continue
		}
		to := map[netip.AddrPort]bool{}
		for _, e := range port.cluster {
			to[e.address] = true
		}
		for _, ip := range slices.Concat(port.clusterIPs, port.outsideIPs()) {
			f.services[netip.AddrPortFrom(ip, uint16(port.number))] = to
		}
		if number := uint16(port.nodePort); number != 0 {
			if f.nodePorts[number] == nil {
				f.nodePorts[number] = map[netip.AddrPort]bool{}
			}
			maps.Copy(f.nodePorts[number], to)
		}
	}
	return f
}

// departed is a port of a service over UDP that there is no more; a node port where there is no address.
type departed struct {
	address netip.Addr
	port    uint16
}

// departures are the ports over UDP which a table serves and another does not know. Flows to them go on to endpoints that have nothing to
// do with them any more.
func departures(present, wanted *nft.Table) []departed {
	type entry struct {
		family ipfamily.Family
		key    string
	}
	known := map[entry]bool{}
	for _, set := range wanted.Sets {
		for _, element := range set.Elements {
			known[entry{familyOf(set.Name), element.Key}] = true
		}
	}
	var all []departed
	for _, set := range present.Sets {
		family := familyOf(set.Name)
		if plain := strings.TrimSuffix(set.Name, family.Suffix()); plain != "services" && plain != "node-ports" {
			continue
		}
		for _, element := range set.Elements {
			if d, ok := parseKey(element.Key); ok && !known[entry{family, element.Key}] {
				all = append(all, d)
			}
		}
	}
	return all
}

// familyOf is the family of a set's addresses, or of the packets that it is about.
func familyOf(set string) ipfamily.Family {
	if strings.HasSuffix(set, ipfamily.IPv6.Suffix()) {
		return ipfamily.IPv6
	}
	return ipfamily.IPv4
}

// parseKey reads a key of ours, as in "10.96.0.10 . udp . 53" or "udp . 30053"; ok is false for one of another protocol.
func parseKey(key string) (d departed, ok bool) {
	parts := strings.Split(key, " . ")
	if len(parts) < 2 || parts[len(parts)-2] != "udp" {
		return d, false
	}
	number, err := strconv.ParseUint(parts[len(parts)-1], 10, 16)
	if err == nil && len(parts) == 3 {
		d.address, err = netip.ParseAddr(parts[0])
	}
	d.port = uint16(number)
	return d, err == nil
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
	for _, family := range []netlink.InetFamily{unix.AF_INET, unix.AF_INET6} {
		_, err := netlink.ConntrackDeleteFilters(netlink.ConntrackTable, family, udp)
		if err != nil && !errors.Is(err, unix.ENOENT) { // one may have ended by itself
			return fmt.Errorf("forgetting flows to endpoints that are gone: %w", err)
		}
	}
	return nil
}
