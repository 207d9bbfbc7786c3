package announcer

import (
	"fmt"
	"net/netip"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// worldOf is a machine called one, whose link eth0 is in 192.0.2.0/24.
func worldOf(objects ...any) World {
	w := World{Options: Options{NodeName: "one"}, Links: []Link{
		{Name: "br0", Addresses: []netip.Prefix{netip.MustParsePrefix("10.84.0.1/24")}},
		{Name: "eth0", Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/24")}},
	}}
	for _, object := range objects {
		switch o := object.(type) {
		case *corev1.Service:
			w.Services = append(w.Services, o)
		case *discoveryv1.EndpointSlice:
			w.Slices = append(w.Slices, o)
		case *corev1.Node:
			w.Nodes = append(w.Nodes, o)
		case Announcement:
			w.Present = append(w.Present, o)
		}
	}
	return w
}

// web is a Service with an address.
func web(ip string, options ...func(*corev1.Service)) *corev1.Service {
	s := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", Finalizers: []string{finalizer}},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer},
		Status: corev1.ServiceStatus{LoadBalancer: corev1.LoadBalancerStatus{Ingress: []corev1.LoadBalancerIngress{
			{IP: ip, IPMode: ptr.To(corev1.LoadBalancerIPModeVIP)},
		}}},
	}
	for _, option := range options {
		option(s)
	}
	return s
}

func local(s *corev1.Service) {
	s.Spec.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicyLocal
}

// node is a ready Node with an address.
func node(name, ip string, options ...func(*corev1.Node)) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{}}}
	n.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: ip}}
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	for _, option := range options {
		option(n)
	}
	return n
}

func silent(n *corev1.Node) { n.Status.Conditions[0].Status = corev1.ConditionUnknown }

func excluded(n *corev1.Node) { n.Labels[corev1.LabelNodeExcludeBalancers] = "" }

// endpointOn is a slice of web with a ready endpoint on a node.
func endpointOn(node string) *discoveryv1.EndpointSlice {
	return &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web-" + node, Labels: map[string]string{discoveryv1.LabelServiceName: "web"}},
		Endpoints:  []discoveryv1.Endpoint{{NodeName: &node}},
	}
}

func TestPlan(t *testing.T) {
	const (
		idle = "nothing to do: this machine answers for the addresses that it is elected for\nlook again in 5s: links may have come or gone"
		mine = "announce 192.0.2.240 on eth0: Service default/web has it, and this is the node elected of %d\nlook again in 5s: links may have come or gone"
	)
	one, two := node("one", "192.0.2.1"), node("two", "192.0.2.2")
	announced := Announcement{netip.MustParseAddr("192.0.2.240"), "eth0"}
	mineOf := func(n int) string { return fmt.Sprintf(mine, n) }
	for _, c := range []struct {
		name  string
		world World
		want  string
	}{
		{"announces an address in the network of a link", worldOf(web("192.0.2.240"), one), mineOf(1)},
		{"has nothing to do when it does so already", worldOf(web("192.0.2.240"), one, announced), idle},
		{"announces none of another network: who sends to it has a route", worldOf(web("10.85.0.1"), one), idle},
		{"announces alone where the others are reached elsewhere", worldOf(web("192.0.2.240"), node("one", "10.84.0.1"), node("two", "10.84.1.1")), mineOf(1)},
		{"leaves it to another node that is reached there, if it is not itself", worldOf(web("192.0.2.240"), node("one", "10.84.0.1"), two), idle},
		{"takes over from a node that is not ready", worldOf(web("192.0.2.240"), one, node("two", "192.0.2.2", silent)), mineOf(1)},
		{"takes over from a node that is excluded", worldOf(web("192.0.2.240"), one, node("two", "192.0.2.2", excluded)), mineOf(1)},
		{"leaves it to the node with an endpoint under Local", worldOf(web("192.0.2.240", local), endpointOn("two"), one, two, announced), "withdraw 192.0.2.240 on eth0: no Service has it, or another node answers for it\nlook again in 5s: links may have come or gone"},
		{"is that node", worldOf(web("192.0.2.240", local), endpointOn("one"), one, two), mineOf(1)},
		{"falls silent when the Service is gone", worldOf(one, announced), "withdraw 192.0.2.240 on eth0: no Service has it, or another node answers for it\nlook again in 5s: links may have come or gone"},
		{"leaves an address alone that this machine has", worldOf(web("192.0.2.1"), one), idle},
		{"leaves an address alone that another node has", worldOf(web("192.0.2.2"), one, two), idle},
		{"leaves a Service alone whose balancer is another's", worldOf(web("192.0.2.240", func(s *corev1.Service) { s.Finalizers = nil }), one), idle},
		{"leaves a Service of another class alone", worldOf(web("192.0.2.240", func(s *corev1.Service) { s.Spec.LoadBalancerClass = ptr.To("example.com/other") }), one), idle},
		{"leaves an address alone whose balancer sends to node ports", worldOf(web("192.0.2.240", func(s *corev1.Service) {
			s.Status.LoadBalancer.Ingress[0].IPMode = ptr.To(corev1.LoadBalancerIPModeProxy)
		}), one), idle},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Plan(c.world).String(); got != c.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestAddressesAreSpreadAndOnlyThoseOfANodeThatGoesMove(t *testing.T) {
	nodes := []string{"a", "b", "c"}
	count := map[string]int{}
	address := netip.MustParseAddr("192.0.2.0")
	for range 240 {
		address = address.Next()
		elected := elect(address, nodes)
		count[elected]++
		if without := elect(address, nodes[:2]); elected != "c" && without != elected {
			t.Errorf("%s moves from %s to %s although c has gone", address, elected, without)
		}
	}
	for _, node := range nodes {
		if count[node] < 40 {
			t.Errorf("of 240 addresses node %s has %d", node, count[node])
		}
	}
}
