package bridge

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netlink"
)

// hostPassage sees what this host wants.
func hostPassage() Passage {
	text, err := os.ReadFile("/proc/sys/net/bridge/bridge-nf-call-iptables")
	if err == nil && strings.TrimSpace(string(text)) == "1" {
		return Bridged
	}
	return Routed
}

// parameter is a setting of the kernel, by its path in /proc/sys.
type parameter struct{ name, value string }

// parameters are what the network needs. That of all interfaces is added to each one's own, so that others keep theirs: the host
// must not tell pods to talk past it.
func (n *Network) parameters(p Passage) []parameter {
	device, answer := n.Interface(), "0"
	if p == Routed {
		answer = "1"
	}
	return []parameter{
		{"net/ipv4/ip_forward", "1"},
		{"net/ipv4/conf/all/send_redirects", "0"},
		{"net/ipv4/conf/" + device + "/send_redirects", "0"},
		{"net/ipv4/conf/" + device + "/proxy_arp_pvlan", answer},
		{"net/ipv4/neigh/" + device + "/proxy_delay", "0"},
	}
}

// setParameters writes only what differs: parts of /proc/sys may be read-only and right.
func (n *Network) setParameters(p Passage) error {
	for _, parameter := range n.parameters(p) {
		file := filepath.Join("/proc/sys", parameter.name)
		current, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if strings.TrimSpace(string(current)) == parameter.value {
			continue
		}
		if err := os.WriteFile(file, []byte(parameter.value), 0o644); err != nil {
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
