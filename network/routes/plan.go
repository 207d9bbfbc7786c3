package routes

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/framework/engine"
)

// lookAgain is how often the routing table is looked at where no Node has changed.
const lookAgain = 5 * time.Second

// Options say for whom routes are kept.
type Options struct {
	// NodeName is the Node that this machine is.
	NodeName string
	// ClusterCIDR is the range of all pods.
	ClusterCIDR netip.Prefix
}

// World is all that a plan depends on.
type World struct {
	Options
	Nodes []*corev1.Node
	// Links are those of this machine that are up, but for the loopback device.
	Links []Link
	// Present are the routes that are ours.
	Present []Route
}

// Link is a network device with its addresses.
type Link struct {
	Name      string
	Addresses []netip.Prefix
}

// Route is the way to the pods of a node.
type Route struct {
	To netip.Prefix
	// Via is the node's address, on the link called Link.
	Via  netip.Addr
	Link string
	// From is the address that this machine's own packets bear; not valid where the kernel chooses it.
	From netip.Addr
}

// String is the route as `ip route` writes it.
func (r Route) String() string {
	text := fmt.Sprintf("%s via %s dev %s", r.To, r.Via, r.Link)
	if r.From.IsValid() {
		text += " src " + r.From.String()
	}
	return text
}

// Plan brings the routes that are ours to what Nodes want.
func Plan(w World) *engine.Plan[table] {
	p := &engine.Plan[table]{}
	wanted := wanted(w)
	for _, present := range w.Present {
		if !slices.ContainsFunc(wanted, func(r reasoned) bool { return r.To == present.To }) {
			p.Do(&remove{present})
		}
	}
	for _, r := range wanted {
		at := slices.IndexFunc(w.Present, func(present Route) bool { return present.To == r.To })
		if at < 0 || w.Present[at] != r.Route {
			p.Do(&set{reasoned: r, change: at >= 0})
		}
	}
	p.Because("each Node on a link of this machine has its route")
	p.After(lookAgain, "somebody may have changed the routing table")
	return p
}

// reasoned is a route with the node that it is for.
type reasoned struct {
	Route
	node string
}

// wanted are the routes that there should be, one at most for a range.
func wanted(w World) []reasoned {
	own, from := self(w)
	var all []reasoned
	for _, node := range byAge(w.Nodes) {
		if node.Name == w.NodeName {
			continue
		}
		via := internalIP(node)
		link, found := onLink(w.Links, via)
		if !found {
			continue
		}
		for _, to := range podCIDRs(node) {
			taken := slices.ContainsFunc(own, to.Overlaps) || slices.ContainsFunc(all, func(r reasoned) bool { return r.To.Overlaps(to) })
			if taken || !inside(to, w.ClusterCIDR) {
				continue
			}
			all = append(all, reasoned{Route{To: to, Via: via, Link: link, From: from}, node.Name})
		}
	}
	slices.SortFunc(all, func(a, b reasoned) int { return a.To.Addr().Compare(b.To.Addr()) })
	return all
}

// self is what this node has itself: its ranges of pods, and its address if that is one of the machine's.
func self(w World) (own []netip.Prefix, address netip.Addr) {
	for _, node := range w.Nodes {
		if node.Name != w.NodeName {
			continue
		}
		if ip := internalIP(node); isLocal(w.Links, ip) {
			address = ip
		}
		return podCIDRs(node), address
	}
	return nil, address
}

// byAge are nodes, the oldest first.
func byAge(nodes []*corev1.Node) []*corev1.Node {
	return slices.SortedFunc(slices.Values(nodes), func(a, b *corev1.Node) int {
		if !a.CreationTimestamp.Equal(&b.CreationTimestamp) {
			return a.CreationTimestamp.Compare(b.CreationTimestamp.Time)
		}
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
}

// internalIP is the first IPv4 address at which other nodes reach a node; not valid if it has none.
func internalIP(node *corev1.Node) netip.Addr {
	for _, address := range node.Status.Addresses {
		if address.Type != corev1.NodeInternalIP {
			continue
		}
		if ip, err := netip.ParseAddr(address.Address); err == nil && ip.Is4() {
			return ip
		}
	}
	return netip.Addr{}
}

// podCIDRs are the IPv4 ranges of a node's pods.
func podCIDRs(node *corev1.Node) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range node.Spec.PodCIDRs {
		if cidr, err := netip.ParsePrefix(text); err == nil && cidr.Addr().Is4() {
			all = append(all, cidr.Masked())
		}
	}
	return all
}

// onLink finds the link on which a neighbour has an address. An address of the machine itself is no neighbour's.
func onLink(links []Link, ip netip.Addr) (name string, found bool) {
	if !ip.IsValid() || isLocal(links, ip) {
		return "", false
	}
	for _, link := range links {
		if slices.ContainsFunc(link.Addresses, func(p netip.Prefix) bool { return p.Contains(ip) }) {
			return link.Name, true
		}
	}
	return "", false
}

func isLocal(links []Link, ip netip.Addr) bool {
	return slices.ContainsFunc(links, func(l Link) bool {
		return slices.ContainsFunc(l.Addresses, func(p netip.Prefix) bool { return p.Addr() == ip })
	})
}

// inside says that a range is a part of another.
func inside(part, whole netip.Prefix) bool {
	return part.Bits() >= whole.Bits() && whole.Contains(part.Addr())
}
