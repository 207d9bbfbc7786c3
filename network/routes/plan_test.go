package routes

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
		Options: Options{NodeName: "one", ClusterCIDR: netip.MustParsePrefix("10.84.0.0/16")},
		Nodes:   append([]*corev1.Node{node("one", "192.0.2.1", 0, "10.84.0.0/24")}, nodes...),
		Links: []Link{
			{"eth0", []netip.Prefix{netip.MustParsePrefix("192.0.2.1/24")}},
			{"orr-test", []netip.Prefix{netip.MustParsePrefix("10.84.0.1/24")}},
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
	for _, c := range []struct {
		name  string
		world World
		want  string // without the last line
	}{
		{"does nothing where this is the only node", worldOf(), `
nothing to do: each Node on a link of this machine has its route`},
		{"adds a route for each other node, in the order of their ranges", worldOf(three, two), `
add route 10.84.1.0/24 via 192.0.2.2 dev eth0 src 192.0.2.1: Node two has its pods there
add route 10.84.2.0/24 via 192.0.2.3 dev eth0 src 192.0.2.1: Node three has its pods there`},
		{"leaves alone what is right", having(worldOf(two), toTwo), `
nothing to do: each Node on a link of this machine has its route`},
		{"changes the route to a node that has moved", having(worldOf(node("two", "192.0.2.9", 1, "10.84.1.0/24")), toTwo), `
change route 10.84.1.0/24 via 192.0.2.9 dev eth0 src 192.0.2.1: Node two has its pods there`},
		{"removes the route to a node that is gone, before it adds others", having(worldOf(three), toTwo), `
remove route 10.84.1.0/24 via 192.0.2.2 dev eth0 src 192.0.2.1: no Node on a link of this machine has its pods there
add route 10.84.2.0/24 via 192.0.2.3 dev eth0 src 192.0.2.1: Node three has its pods there`},
		{"lets the kernel choose the source where this Node's address is not the machine's", addressElsewhere, `
add route 10.84.1.0/24 via 192.0.2.2 dev eth0: Node two has its pods there`},
		{"has none to a node on another link", worldOf(node("two", "198.51.100.2", 1, "10.84.1.0/24")), `
nothing to do: each Node on a link of this machine has its route`},
		{"has none to a simulated node, whose address is a loopback one", worldOf(node("two", "127.0.0.1", 1, "10.84.1.0/24")), `
nothing to do: each Node on a link of this machine has its route`},
		{"has none to a Node that passes for this machine", worldOf(node("two", "192.0.2.1", 1, "10.84.1.0/24")), `
nothing to do: each Node on a link of this machine has its route`},
		{"has none to a node without an address or without a range", worldOf(node("two", "", 1, "10.84.1.0/24"), node("three", "192.0.2.3", 2)), `
nothing to do: each Node on a link of this machine has its route`},
		{"lets no Node draw what is not for pods", worldOf(node("two", "192.0.2.2", 1, "0.0.0.0/0", "10.96.0.0/16", "10.84.1.0/24")), `
add route 10.84.1.0/24 via 192.0.2.2 dev eth0 src 192.0.2.1: Node two has its pods there`},
		{"lets no Node draw what is for pods of this one", worldOf(node("two", "192.0.2.2", 1, "10.84.0.128/25", "10.84.0.0/16")), `
nothing to do: each Node on a link of this machine has its route`},
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
