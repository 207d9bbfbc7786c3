package routes

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/network/ipfamily"
	"github.com/orrery-dev/orrery/network/overlay"
)

// lookAgain is how often the routing table is looked at where no Node has changed.
const lookAgain = 5 * time.Second

// Options say for whom routes are kept.
type Options struct {
	// NodeName is the Node that this machine is.
	NodeName string
	// ClusterCIDRs are the ranges of all pods, one for each IP family that they have addresses of.
	ClusterCIDRs []netip.Prefix
	// Overlay has pods on nodes of other links be reached through package overlay, in IPv4; else no route leads there.
	Overlay bool
}

// holds says that a range is a part of that of all pods of its family.
func (o Options) holds(part netip.Prefix) bool {
	whole := ipfamily.Of(part.Addr()).Range(o.ClusterCIDRs)
	return whole.IsValid() && inside(part, whole)
}

// World is all that a plan depends on.
type World struct {
	Options
	Nodes []*corev1.Node
	// Links are those of this machine that are up, but for the loopback device.
	Links []Link
	// Present are the routes that are ours.
	Present []Route
	// Tunnel is the device that leads to other links, and to which nodes.
	Tunnel overlay.State
}

// Link is a network device with its addresses.
type Link struct {
	Name      string
	Addresses []netip.Prefix
	MTU       int
}

// Route is the way to the pods of a node.
type Route struct {
	To netip.Prefix
	// Via is the node's address, on the link called Link. OnLink says that it is there although no address of the link says so.
	Via    netip.Addr
	Link   string
	OnLink bool
	// From is the address that this machine's own packets bear; not valid where the kernel chooses it.
	From netip.Addr
}

// String is the route as `ip route` writes it.
func (r Route) String() string {
	text := fmt.Sprintf("%s via %s dev %s", r.To, r.Via, r.Link)
	if r.OnLink {
		text += " onlink"
	}
	if r.From.IsValid() {
		text += " src " + r.From.String()
	}
	return text
}

// Plan brings the routes that are ours, and the device that some lead over, to what Nodes want.
func Plan(w World) *engine.Plan[table] {
	p := &engine.Plan[table]{}
	wanted, tunnel := wanted(w)
	for _, present := range w.Present {
		if !slices.ContainsFunc(wanted, func(r reasoned) bool { return r.To == present.To }) {
			p.Do(&remove{present})
		}
	}
	if tunnel.change(p, w.Tunnel) { // the routes over it go with the device that there was
		w.Present = slices.DeleteFunc(slices.Clone(w.Present), func(r Route) bool { return r.OnLink })
	}
	for _, r := range wanted {
		at := slices.IndexFunc(w.Present, func(present Route) bool { return present.To == r.To })
		if at < 0 || w.Present[at] != r.Route {
			p.Do(&set{reasoned: r, change: at >= 0})
		}
	}
	p.Because("each Node that has pods elsewhere has its route")
	p.After(lookAgain, "somebody may have changed the routing table")
	return p
}

// reasoned is a route with the node that it is for.
type reasoned struct {
	Route
	node string
}

// wanted are the routes that there should be, one at most for a range, and the device that some lead over.
func wanted(w World) ([]reasoned, tunnel) {
	through := newTunnel(w)
	var all []reasoned
	for _, f := range ipfamily.Among(w.ClusterCIDRs...) {
		all = append(all, wantedOf(f, w, &through)...)
	}
	slices.SortFunc(all, func(a, b reasoned) int { return a.To.Addr().Compare(b.To.Addr()) })
	return all, through
}

// wantedOf are the routes of a family.
func wantedOf(f ipfamily.Family, w World, through *tunnel) []reasoned {
	own, from := self(f, w)
	var all []reasoned
	for _, node := range byAge(w.Nodes) {
		if node.Name == w.NodeName {
			continue
		}
		ip := internalIP(f, node)
		way, found := directly(w.Links, ip, from)
		remote := through.leadsTo(ip)
		if remote {
			way, found = through.way(ip), true
		}
		if !found {
			continue
		}
		for _, to := range podCIDRs(f, node) {
			taken := slices.ContainsFunc(own, to.Overlaps) || slices.ContainsFunc(all, func(r reasoned) bool { return r.To.Overlaps(to) })
			if taken || !w.holds(to) {
				continue
			}
			way.To = to
			all = append(all, reasoned{way, node.Name})
			if remote {
				through.meet(node.Name, way.Via)
			}
		}
	}
	return all
}

// directly is the way to a neighbour on a link.
func directly(links []Link, via, from netip.Addr) (Route, bool) {
	link, found := onLink(links, via)
	return Route{Via: via, Link: link, From: from}, found
}

// self is what this node has itself of a family: its ranges of pods, and its address if that is one of the machine's.
func self(f ipfamily.Family, w World) (own []netip.Prefix, address netip.Addr) {
	for _, node := range w.Nodes {
		if node.Name != w.NodeName {
			continue
		}
		if ip := internalIP(f, node); isLocal(w.Links, ip) {
			address = ip
		}
		return podCIDRs(f, node), address
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

// internalIP is the first address of a family at which other nodes reach a node; not valid if it has none.
func internalIP(f ipfamily.Family, node *corev1.Node) netip.Addr {
	for _, address := range node.Status.Addresses {
		if ip := f.Address(address.Address); address.Type == corev1.NodeInternalIP && ip.IsValid() {
			return ip
		}
	}
	return netip.Addr{}
}

// podCIDRs are the ranges of a family of a node's pods.
func podCIDRs(f ipfamily.Family, node *corev1.Node) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range node.Spec.PodCIDRs {
		if cidr, err := netip.ParsePrefix(text); err == nil && f.Has(cidr.Addr()) {
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
