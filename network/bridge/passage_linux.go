package bridge

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/orrery-dev/orrery/network/ipfamily"
)

// The settings of br_netfilter, which are there while that is loaded.
const (
	bridgedIPv4 = "net/bridge/bridge-nf-call-iptables"
	bridgedIPv6 = "net/bridge/bridge-nf-call-ip6tables"
)

// hostPassage sees what this host wants.
func hostPassage() Passage {
	if current, err := (parameter{name: bridgedIPv4}).current(); err == nil && current == "1" {
		return Bridged
	}
	return Routed
}

// checkPassage is an error where the host wants one thing in IPv4 and another in IPv6, and pods have addresses of both.
func (n *Network) checkPassage() error {
	four, err := (parameter{name: bridgedIPv4}).current()
	if err != nil || !n.pods(ipfamily.IPv6).IsValid() {
		return nil //nolint:nilerr // br_netfilter is not loaded
	}
	if six, err := (parameter{name: bridgedIPv6}).current(); err == nil && six != four {
		return fmt.Errorf("this host filters what bridges pass on in one IP family only: run 'sysctl -w %s=%s'",
			strings.ReplaceAll(bridgedIPv6, "/", "."), four)
	}
	return nil
}

// parameter is a setting of the kernel, by its path in /proc/sys.
type parameter struct{ name, value string }

func (p parameter) file() string { return filepath.Join("/proc/sys", p.name) }

// current is the value that it has.
func (p parameter) current() (string, error) {
	text, err := os.ReadFile(p.file())
	return strings.TrimSpace(string(text)), err
}

// set writes only what differs: parts of /proc/sys may be read-only and right.
func (p parameter) set() error {
	current, err := p.current()
	if err != nil || current == p.value {
		return err
	}
	return os.WriteFile(p.file(), []byte(p.value), 0o644)
}

// parameters are what the network needs. That of all interfaces is added to each one's own, so that others keep theirs: the host
// must not tell pods to talk past it.
func (n *Network) parameters(p Passage) []parameter {
	device, answer := n.Interface(), "0"
	if p == Routed {
		answer = "1"
	}
	all := []parameter{
		{"net/ipv4/ip_forward", "1"},
		{"net/ipv4/conf/all/send_redirects", "0"},
		{"net/ipv4/conf/" + device + "/send_redirects", "0"},
		{"net/ipv4/conf/" + device + "/proxy_arp_pvlan", answer},
		{"net/ipv4/neigh/" + device + "/proxy_delay", "0"},
	}
	if n.pods(ipfamily.IPv6).IsValid() {
		all = append(all, parameter{"net/ipv6/conf/all/forwarding", "1"})
	}
	return all
}

func (n *Network) setParameters(p Passage) error {
	if err := n.keepRouters(); err != nil {
		return err
	}
	for _, parameter := range n.parameters(p) {
		if err := parameter.set(); err != nil {
			return err
		}
	}
	return nil
}

// enableIPv6 has the bridge take addresses of IPv6, where pods have some, also on a host on which new devices do not.
func (n *Network) enableIPv6() error {
	if !n.pods(ipfamily.IPv6).IsValid() {
		return nil
	}
	err := parameter{"net/ipv6/conf/" + n.Interface() + "/disable_ipv6", "0"}.set()
	if errors.Is(err, os.ErrNotExist) {
		return errors.New("this kernel has IPv6 turned off, and pods are to have addresses of it: start it without ipv6.disable=1, or give only ranges of IPv4")
	}
	return err
}

// keepRouters has those links go on to hear of routers that have a route from one: with forwarding, a host does not do that by itself,
// and would lose its way out.
func (n *Network) keepRouters() error {
	if !n.pods(ipfamily.IPv6).IsValid() {
		return nil
	}
	learned, err := netlink.RouteListFiltered(netlink.FAMILY_V6, &netlink.Route{Protocol: unix.RTPROT_RA}, netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		return fmt.Errorf("listing routes that routers have announced: %w", err)
	}
	for _, route := range learned {
		link, err := netlink.LinkByIndex(route.LinkIndex)
		if err != nil {
			continue // it is gone, and the route with it
		}
		if err := (parameter{"net/ipv6/conf/" + link.Attrs().Name + "/accept_ra", "2"}).set(); err != nil {
			return err
		}
	}
	return nil
}

// setPorts brings the ports of pods that are there already into line.
func (n *Network) setPorts(p Passage) error {
	bridge, err := netlink.LinkByName(n.Interface())
	if err != nil {
		return err
	}
	links, err := netlink.LinkList()
	if err != nil {
		return err
	}
	for _, link := range links {
		if link.Attrs().MasterIndex != bridge.Attrs().Index {
			continue
		}
		if err := netlink.LinkSetIsolated(link, p == Routed); err != nil {
			return fmt.Errorf("port %s: %w", link.Attrs().Name, err)
		}
	}
	return nil
}
