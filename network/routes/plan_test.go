package routes

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/orrery-dev/orrery/network/overlay"
)

var morning = time.Date(2026, time.January, 1, 8, 0, 0, 0, time.UTC)

// node is a Node that was made some hours into the morning.
func node(name, ip string, hours int, cidrs ...string) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(morning.Add(time.Duration(hours) * time.Hour))}}
	n.Spec.PodCIDRs = cidrs
	if ip != "" {
		n.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeHostName, Address: name}, {Type: corev1.NodeInternalIP, Address: ip}}
	}
	return n
}

// worldOf is the machine of Node one, with a link to its pods and one to other nodes.
func worldOf(nodes ...*corev1.Node) World {
	return World{
		Options: Options{NodeName: "one", ClusterCIDRs: []netip.Prefix{netip.MustParsePrefix("10.84.0.0/16")}},
		Nodes:   append([]*corev1.Node{node("one", "192.0.2.1", 0, "10.84.0.0/24")}, nodes...),
		Links: []Link{
			{"eth0", []netip.Prefix{netip.MustParsePrefix("192.0.2.1/24")}, 1500},
			{"orr-test", []netip.Prefix{netip.MustParsePrefix("10.84.0.1/24")}, 1500},
		},
	}
}

func having(w World, routes ...Route) World {
	w.Present = routes
	return w
}

func route(to, via, link, from string) Route {
	r := Route{To: netip.MustParsePrefix(to), Via: netip.MustParseAddr(via), Link: link}
	if from != "" {
		r.From = netip.MustParseAddr(from)
	}
	return r
}

func TestPlan(t *testing.T) {
	two, three := node("two", "192.0.2.2", 1, "10.84.1.0/24"), node("three", "192.0.2.3", 2, "10.84.2.0/24")
	toTwo := route("10.84.1.0/24", "192.0.2.2", "eth0", "192.0.2.1")
	addressElsewhere := worldOf(two)
	addressElsewhere.Nodes[0] = node("one", "203.0.113.9", 0, "10.84.0.0/24")
	both := func(name, ip string, hours int, cidrs ...string) *corev1.Node {
		n := node(name, ip, hours, cidrs...)
		four := netip.MustParseAddr(ip).As4()
		six := netip.AddrFrom16([16]byte{0: 0x20, 1: 0x01, 2: 0x0d, 3: 0xb8, 15: four[3]})
		n.Status.Addresses = append(n.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: six.String()})
		return n
	}
	dual := func(nodes ...*corev1.Node) World {
		w := worldOf(nodes...)
		w.ClusterCIDRs = append(w.ClusterCIDRs, netip.MustParsePrefix("fd00:84::/48"))
		w.Nodes[0] = both("one", "192.0.2.1", 0, "10.84.0.0/24", "fd00:84::/64")
		w.Links[0].Addresses = append(w.Links[0].Addresses, netip.MustParsePrefix("2001:db8::1/64"))
		return w
	}
	for _, c := range []struct {
		name  string
		world World
		want  string // without the last line
	}{
		{"adds a route of each family", dual(both("two", "192.0.2.2", 1, "10.84.1.0/24", "fd00:84:0:1::/64")), `
add route 10.84.1.0/24 via 192.0.2.2 dev eth0 src 192.0.2.1: Node two has its pods there
add route fd00:84:0:1::/64 via 2001:db8::2 dev eth0 src 2001:db8::1: Node two has its pods there`},
		{"adds that of IPv4 alone to a node without an address of IPv6", dual(node("two", "192.0.2.2", 1, "10.84.1.0/24", "fd00:84:0:1::/64")), `
add route 10.84.1.0/24 via 192.0.2.2 dev eth0 src 192.0.2.1: Node two has its pods there`},
		{"lets no Node draw what is not for pods, in either family", dual(both("two", "192.0.2.2", 1, "::/0", "fd00:84::/64", "fd00:96::/112", "2001:db8::/64")), `
nothing to do: each Node that has pods elsewhere has its route`},
		{"does nothing where this is the only node", worldOf(), `
nothing to do: each Node that has pods elsewhere has its route`},
		{"adds a route for each other node, in the order of their ranges", worldOf(three, two), `
add route 10.84.1.0/24 via 192.0.2.2 dev eth0 src 192.0.2.1: Node two has its pods there
add route 10.84.2.0/24 via 192.0.2.3 dev eth0 src 192.0.2.1: Node three has its pods there`},
		{"leaves alone what is right", having(worldOf(two), toTwo), `
nothing to do: each Node that has pods elsewhere has its route`},
		{"changes the route to a node that has moved", having(worldOf(node("two", "192.0.2.9", 1, "10.84.1.0/24")), toTwo), `
change route 10.84.1.0/24 via 192.0.2.9 dev eth0 src 192.0.2.1: Node two has its pods there`},
		{"removes the route to a node that is gone, before it adds others", having(worldOf(three), toTwo), `
remove route 10.84.1.0/24 via 192.0.2.2 dev eth0 src 192.0.2.1: no Node that can be reached has its pods there
add route 10.84.2.0/24 via 192.0.2.3 dev eth0 src 192.0.2.1: Node three has its pods there`},
		{"lets the kernel choose the source where this Node's address is not the machine's", addressElsewhere, `
add route 10.84.1.0/24 via 192.0.2.2 dev eth0: Node two has its pods there`},
		{"has none to a node on another link", worldOf(node("two", "198.51.100.2", 1, "10.84.1.0/24")), `
nothing to do: each Node that has pods elsewhere has its route`},
		{"has none to a simulated node, whose address is a loopback one", worldOf(node("two", "127.0.0.1", 1, "10.84.1.0/24")), `
nothing to do: each Node that has pods elsewhere has its route`},
		{"has none to a Node that passes for this machine", worldOf(node("two", "192.0.2.1", 1, "10.84.1.0/24")), `
nothing to do: each Node that has pods elsewhere has its route`},
		{"has none to a node without an address or without a range", worldOf(node("two", "", 1, "10.84.1.0/24"), node("three", "192.0.2.3", 2)), `
nothing to do: each Node that has pods elsewhere has its route`},
		{"lets no Node draw what is not for pods", worldOf(node("two", "192.0.2.2", 1, "0.0.0.0/0", "10.96.0.0/16", "10.84.1.0/24")), `
add route 10.84.1.0/24 via 192.0.2.2 dev eth0 src 192.0.2.1: Node two has its pods there`},
		{"lets no Node draw what is for pods of this one", worldOf(node("two", "192.0.2.2", 1, "10.84.0.128/25", "10.84.0.0/16")), `
nothing to do: each Node that has pods elsewhere has its route`},
		{"believes the older of two Nodes with the same range", worldOf(node("a-new", "192.0.2.8", 5, "10.84.1.0/24"), two), `
add route 10.84.1.0/24 via 192.0.2.2 dev eth0 src 192.0.2.1: Node two has its pods there`},
		{"takes the range of IPv4 of a node with two families", worldOf(node("two", "192.0.2.2", 1, "fd00::/64", "10.84.1.0/24")), `
add route 10.84.1.0/24 via 192.0.2.2 dev eth0 src 192.0.2.1: Node two has its pods there`},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := strings.TrimSpace(c.want) + "\nlook again in 5s: somebody may have changed the routing table"
			if got := Plan(c.world).String(); got != want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestPlanOfNodesOnOtherLinks(t *testing.T) {
	far, farther := node("far", "198.51.100.2", 1, "10.84.1.0/24"), node("farther", "203.0.113.3", 2, "10.84.2.0/24")
	near := node("near", "192.0.2.2", 3, "10.84.3.0/24")
	world := func(nodes ...*corev1.Node) World {
		w := worldOf(nodes...)
		w.Overlay = true
		return w
	}
	through := func(to, via string) Route {
		r := route(to, via, "orr-vx-0a5400", "10.84.0.1")
		r.OnLink = true
		return r
	}
	tunneled := func(w World, mtu int, peers ...string) World {
		w.Tunnel.Device = new(overlay.New(w.ClusterCIDRs[0], netip.MustParseAddr("192.0.2.1"), mtu))
		for _, peer := range peers {
			w.Tunnel.Peers = append(w.Tunnel.Peers, netip.MustParseAddr(peer))
		}
		return w
	}
	elsewhere := world(far)
	elsewhere.Nodes[0] = node("one", "203.0.113.9", 0, "10.84.0.0/24")
	twoLinks := world(near)
	twoLinks.Nodes[0] = node("one", "203.0.113.1", 0, "10.84.0.0/24")
	twoLinks.Links = append(twoLinks.Links, Link{"eth1", []netip.Prefix{netip.MustParsePrefix("203.0.113.1/24")}, 1500})
	inside := world(node("two", "10.84.255.2", 1, "10.84.3.0/24"))
	inside.Nodes[0] = node("one", "10.84.0.1", 0, "10.84.0.0/24")
	inside.Links = append(inside.Links, Link{"orr-nodes", []netip.Prefix{netip.MustParsePrefix("10.84.255.1/24")}, 1500})
	for _, c := range []struct {
		name  string
		world World
		want  string // without the last line
	}{
		{"makes the device, meets the node, and leads its pods there", world(far, near), `
make link orr-vx-0a5400 of VXLAN 676864 from 192.0.2.1, MTU 1450: there are Nodes with pods on other links
add 198.51.100.2 to orr-vx-0a5400: Node far is on another link
add route 10.84.1.0/24 via 198.51.100.2 dev orr-vx-0a5400 onlink src 10.84.0.1: Node far has its pods there
add route 10.84.3.0/24 via 192.0.2.2 dev eth0 src 192.0.2.1: Node near has its pods there`},
		{"leaves alone what is right", having(tunneled(world(far), 1500, "198.51.100.2"), through("10.84.1.0/24", "198.51.100.2")), `
nothing to do: each Node that has pods elsewhere has its route`},
		{"makes it anew where the link has another MTU, and the routes with it", having(tunneled(world(far), 9000, "198.51.100.2"), through("10.84.1.0/24", "198.51.100.2")), `
make link orr-vx-0a5400 of VXLAN 676864 from 192.0.2.1, MTU 1450: there are Nodes with pods on other links
add 198.51.100.2 to orr-vx-0a5400: Node far is on another link
add route 10.84.1.0/24 via 198.51.100.2 dev orr-vx-0a5400 onlink src 10.84.0.1: Node far has its pods there`},
		{"forgets a node that is gone", having(tunneled(world(farther), 1500, "198.51.100.2", "203.0.113.3"), through("10.84.1.0/24", "198.51.100.2"), through("10.84.2.0/24", "203.0.113.3")), `
remove route 10.84.1.0/24 via 198.51.100.2 dev orr-vx-0a5400 onlink src 10.84.0.1: no Node that can be reached has its pods there
remove 198.51.100.2 from orr-vx-0a5400: no Node on another link has that address`},
		{"removes it when the last one is gone", having(tunneled(world(), 1500, "198.51.100.2"), through("10.84.1.0/24", "198.51.100.2")), `
remove route 10.84.1.0/24 via 198.51.100.2 dev orr-vx-0a5400 onlink src 10.84.0.1: no Node that can be reached has its pods there
remove link orr-vx-0a5400: no Node with pods is on another link`},
		{"meets nobody whose pods it does not believe in", world(node("far", "198.51.100.2", 1, "0.0.0.0/0")), `
nothing to do: each Node that has pods elsewhere has its route`},
		{"has none for a simulated node", world(node("two", "127.0.0.1", 1, "10.84.1.0/24")), `
nothing to do: each Node that has pods elsewhere has its route`},
		{"has none where this machine has not its Node's address, to which others would send", elsewhere, `
nothing to do: each Node that has pods elsewhere has its route`},
		{"has none for nodes of one machine, whose addresses are of the pods' range", inside, `
add route 10.84.3.0/24 via 10.84.255.2 dev orr-nodes src 10.84.0.1: Node two has its pods there`},
		{"has none to one whose address is of the pods' range, to which the device itself would lead", world(node("two", "10.84.255.2", 1, "10.84.3.0/24")), `
nothing to do: each Node that has pods elsewhere has its route`},
		{"asks of two nodes what both would answer: whether they have their addresses on one link", twoLinks, `
make link orr-vx-0a5400 of VXLAN 676864 from 203.0.113.1, MTU 1450: there are Nodes with pods on other links
add 192.0.2.2 to orr-vx-0a5400: Node near is on another link
add route 10.84.3.0/24 via 192.0.2.2 dev orr-vx-0a5400 onlink src 10.84.0.1: Node near has its pods there`},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := strings.TrimSpace(c.want) + "\nlook again in 5s: somebody may have changed the routing table"
			if got := Plan(c.world).String(); got != want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, want)
			}
		})
	}
}
