package routes

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/orrery-dev/orrery/network/ipfamily"
	"github.com/orrery-dev/orrery/network/overlay"
)

// Protocol is the number by which our routes are known in the kernel's tables, as `ip route show proto 0x6f` has them. Numbers like it
// are free for programs to choose; rt_protos does not name it.
const Protocol netlink.RouteProtocol = 0x6f

// kernel is the routing table of the network namespace that this process is in.
type kernel struct{}

var _ table = kernel{}

// links are those that are up, with their addresses, in a stable order.
func (kernel) links() ([]Link, error) {
	devices, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("listing links: %w", err)
	}
	var all []Link
	for _, device := range devices {
		attributes := device.Attrs()
		if attributes.Flags&net.FlagUp == 0 || attributes.Flags&net.FlagLoopback != 0 {
			continue
		}
		addresses, err := netlink.AddrList(device, netlink.FAMILY_ALL)
		if errors.Is(err, unix.ENODEV) {
			continue // it went meanwhile, as the links of pods do
		}
		if err != nil {
			return nil, fmt.Errorf("listing addresses of %s: %w", attributes.Name, err)
		}
		link := Link{Name: attributes.Name, MTU: attributes.MTU}
		for _, address := range addresses {
			if !address.IP.IsLinkLocalUnicast() || address.IP.To4() != nil { // of IPv6 every link has one, and no Node is there
				link.Addresses = append(link.Addresses, prefix(address.IPNet))
			}
		}
		if len(link.Addresses) > 0 {
			all = append(all, link)
		}
	}
	slices.SortFunc(all, func(a, b Link) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// routes are ours, as far as they lead where they are asked for.
func (kernel) routes(leadsThere func(netip.Prefix) bool) ([]Route, error) {
	var found []netlink.Route
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		some, err := netlink.RouteListFiltered(family, &netlink.Route{Protocol: Protocol}, netlink.RT_FILTER_PROTOCOL)
		if err != nil {
			return nil, fmt.Errorf("listing routes: %w", err)
		}
		found = append(found, some...)
	}
	var all []Route
	for _, r := range found {
		if r.Dst == nil || !leadsThere(prefix(r.Dst)) {
			continue
		}
		device, err := netlink.LinkByIndex(r.LinkIndex)
		if errors.As(err, &netlink.LinkNotFoundError{}) {
			continue // and the route with it
		}
		if err != nil {
			return nil, fmt.Errorf("finding the link of route %s: %w", r.Dst, err)
		}
		all = append(all, Route{
			To: prefix(r.Dst), Via: address(r.Gw), Link: device.Attrs().Name, OnLink: r.Flags&int(netlink.FLAG_ONLINK) != 0, From: address(r.Src),
		})
	}
	return all, nil
}

func (kernel) add(r Route) error {
	route, err := kernelsRoute(r)
	if err == nil {
		err = netlink.RouteAdd(route)
	}
	if errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("adding route %s: somebody else has one to %s already: remove it with 'ip route delete %s'", r, r.To, r.To)
	}
	return wrapped("adding", r, err)
}

func (kernel) change(r Route) error {
	route, err := kernelsRoute(r)
	if err == nil {
		err = netlink.RouteReplace(route)
	}
	return wrapped("changing", r, err)
}

func (kernel) remove(r Route) error {
	err := netlink.RouteDel(&netlink.Route{Dst: ipNet(r.To), Protocol: Protocol})
	if errors.Is(err, unix.ESRCH) {
		return nil // it went with its link
	}
	return wrapped("removing", r, err)
}

func (kernel) makeDevice(d overlay.Device) error { return d.Make() }

func (kernel) removeDevice(name string) error { return overlay.Remove(name) }

func (kernel) meet(device string, node netip.Addr) error { return overlay.Add(device, node) }

func (kernel) forget(device string, node netip.Addr) error { return overlay.Forget(device, node) }

func wrapped(doing string, r Route, err error) error {
	if err != nil {
		return fmt.Errorf("%s route %s: %w", doing, r, err)
	}
	return nil
}

// kernelsRoute is a route in the kernel's terms.
func kernelsRoute(r Route) (*netlink.Route, error) {
	device, err := netlink.LinkByName(r.Link)
	if err != nil {
		return nil, err
	}
	route := &netlink.Route{LinkIndex: device.Attrs().Index, Dst: ipNet(r.To), Gw: r.Via.AsSlice(), Protocol: Protocol}
	if r.OnLink {
		route.Flags = int(netlink.FLAG_ONLINK)
	}
	if r.From.IsValid() {
		route.Src = r.From.AsSlice()
	}
	return route, nil
}

func prefix(n *net.IPNet) netip.Prefix {
	bits, _ := n.Mask.Size()
	return netip.PrefixFrom(address(n.IP), bits)
}

func address(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// Remove removes all routes of ours that lead into a cluster's ranges of pods, and the device that some lead over, where no process keeps
// them any more. Other links stay: they are the machine's.
func Remove(clusterCIDRs ...netip.Prefix) error {
	all, err := kernel{}.routes(Options{ClusterCIDRs: clusterCIDRs}.holds)
	errs := []error{err}
	for _, r := range all {
		errs = append(errs, kernel{}.remove(r))
	}
	if four := ipfamily.IPv4.Range(clusterCIDRs); four.IsValid() {
		errs = append(errs, overlay.Remove(overlay.Name(four)))
	}
	return errors.Join(errs...)
}
