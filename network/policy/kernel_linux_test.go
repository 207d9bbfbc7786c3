package policy

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os/exec"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	onetworkingv1 "github.com/orrery-dev/orrery/apis/networking/v1"
	"github.com/orrery-dev/orrery/network/ipfamily"
)

// ports are where everybody listens.
var ports = []int{80, 81, 8080}

// here is the node whose table is asked.
const here = "here"

// worlds is how many random clusters the kernel is asked about.
const worlds = 40

// TestThePacketsThatPassAreThoseThatPoliciesLetThrough sends packets between namespaces of the kernel, each from everybody to everybody,
// under random policies, and compares who receives them with the judge.
func TestThePacketsThatPassAreThoseThatPoliciesLetThrough(t *testing.T) {
	l := newLab(t)
	l.add(both(192, 0, 2, 9), ports...) // a stranger
	random := rand.New(rand.NewPCG(7, 11))
	m := Cluster{Namespaces: []*corev1.Namespace{namespace("a", "team", "x"), namespace("b", "team", "y"), namespace("c")}}
	for i, namespace := range []string{"a", "a", "a", "b", "b", "c"} {
		addresses := both(10, 84, 0, byte(2+i*3))
		l.add(addresses, ports...)
		node := here
		if i == 4 {
			node = "elsewhere"
		}
		m.Pods = append(m.Pods, podAt(namespace, fmt.Sprintf("p%d", i), addresses[0], node, [][]string{{"app", "web"}, {"app", "db"}, {}}[i%3]...))
		m.Pods[i].Status.PodIPs = append(m.Pods[i].Status.PodIPs, corev1.PodIP{IP: addresses[1].String()})
	}
	l.add(both(10, 84, 0, 200), ports...) // addresses of the pods' ranges that no pod has

	passed, dropped := 0, 0
	for world := range worlds {
		m.Policies = policiesAt(random)
		api := apiOf(t, []apis.Naming{apis.Kubernetes, apis.Orrery}[world%2], &m)
		enforcer, err := New(Options{Name: "test", NodeName: here, Families: ipfamily.All}, api)
		must(t, err)
		must(t, enforcer.Sync(t.Context()))
		yes, no := l.compare(&m, world)
		passed, dropped = passed+yes, dropped+no
		if t.Failed() {
			t.Fatalf("the policies of world %d:\n%s\nthe table:\n%s", world, describe(m.Policies), ruleset())
		}
	}
	t.Logf("%d packets passed and %d were dropped, as they should", passed, dropped)
	if passed < 500 || dropped < 500 {
		t.Errorf("%d packets passed and %d were dropped: the policies are about nothing", passed, dropped)
	}
}

// compare sends from everybody to everybody at every port, and looks who receives what.
func (l *lab) compare(m *Cluster, world int) (passed, dropped int) {
	l.t.Helper()
	want := map[string]map[string]bool{}
	at := func(to netip.Addr, port int) string { return fmt.Sprintf("%s:%d", to, port) }
	for from := range l.ends {
		for to := range l.ends {
			for _, port := range ports {
				word := fmt.Sprintf("%d from %s", world, from)
				if from == to || from.Is4() != to.Is4() {
					continue // within its own namespace, no packet comes by
				}
				if want[at(to, port)] == nil {
					want[at(to, port)] = map[string]bool{}
				}
				want[at(to, port)][word] = passesHere(m, Packet{From: from, To: to, Protocol: corev1.ProtocolUDP, Port: uint16(port)})
				l.send(from, to, port, word)
			}
		}
	}
	for to := range l.ends {
		for _, port := range ports {
			missing := 0
			for _, passes := range want[at(to, port)] {
				if passes {
					missing++
				}
			}
			passed, dropped = passed+missing, dropped+len(want[at(to, port)])-missing
			for patience := 10 * time.Second; ; {
				if missing == 0 {
					patience = time.Millisecond // whatever comes now should not
				}
				word, ok := l.receive(to, port, patience)
				if !ok {
					break
				}
				if !want[at(to, port)][word] {
					l.t.Errorf("%s receives %q", at(to, port), word)
				}
				missing--
			}
			if missing > 0 {
				l.t.Errorf("%s has not received %d of the packets that are let through", at(to, port), missing)
			}
		}
	}
	return passed, dropped
}

// passesHere says whether the packet passes on this node, where nothing holds for the pods of another.
func passesHere(c *Cluster, p Packet) bool {
	on := func(address netip.Addr) bool {
		return slices.ContainsFunc(c.Pods, func(pod *corev1.Pod) bool {
			return slices.Contains(pod.Status.PodIPs, corev1.PodIP{IP: address.String()}) && pod.Spec.NodeName == here
		})
	}
	return (!on(p.From) || c.Out(p).Passes()) && (!on(p.To) || c.In(p).Passes())
}

// policiesAt are some policies, at random.
func policiesAt(random *rand.Rand) []*networkingv1.NetworkPolicy {
	selector := func() *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchLabels: []map[string]string{nil, {"app": "web"}, {"app": "db"}}[random.IntN(3)]}
	}
	peer := func() networkingv1.NetworkPolicyPeer {
		switch random.IntN(4) {
		case 0:
			return networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{
				CIDR: []string{"0.0.0.0/0", "10.84.0.0/28", "192.0.2.0/24", "::/0", "fd00::a54:0/124", "fd00::c000:200/120"}[random.IntN(6)],
			}}
		case 1:
			if random.IntN(2) == 0 {
				return networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{
					CIDR: "fd00::a54:0/112", Except: []string{"fd00::a54:4/126", "fd00::a54:4/127", "fd00::a54:8/128"},
				}}
			}
			return networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: "10.84.0.0/16", Except: []string{"10.84.0.4/30", "10.84.0.4/31", "10.84.0.8/32"}}}
		case 2:
			return networkingv1.NetworkPolicyPeer{PodSelector: selector()}
		default:
			p := networkingv1.NetworkPolicyPeer{NamespaceSelector: &metav1.LabelSelector{
				MatchLabels: []map[string]string{nil, {"team": "x"}, {"team": "z"}}[random.IntN(3)],
			}}
			if random.IntN(2) == 0 {
				p.PodSelector = selector()
			}
			return p
		}
	}
	port := func() networkingv1.NetworkPolicyPort {
		p := networkingv1.NetworkPolicyPort{Protocol: ptr.To([]corev1.Protocol{corev1.ProtocolUDP, corev1.ProtocolUDP, corev1.ProtocolTCP}[random.IntN(3)])}
		switch random.IntN(5) {
		case 0:
		case 1:
			p.Port, p.EndPort = ptr.To(intstr.FromInt32(80)), ptr.To[int32](81)
		case 2:
			p.Port = ptr.To(intstr.FromString("alt"))
		default:
			p.Port = ptr.To(intstr.FromInt(ports[random.IntN(len(ports))]))
		}
		return p
	}
	var all []*networkingv1.NetworkPolicy
	for i := range 1 + random.IntN(4) {
		p := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: []string{"a", "b", "c"}[random.IntN(3)], Name: fmt.Sprintf("policy.%d", i)}}
		p.Spec.PodSelector = *selector()
		p.Spec.PolicyTypes = [][]networkingv1.PolicyType{
			{networkingv1.PolicyTypeIngress}, {networkingv1.PolicyTypeEgress}, {networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
		}[random.IntN(3)]
		for range random.IntN(3) {
			peers, ports := some(random, peer), some(random, port)
			p.Spec.Ingress = append(p.Spec.Ingress, networkingv1.NetworkPolicyIngressRule{From: peers, Ports: ports})
			p.Spec.Egress = append(p.Spec.Egress, networkingv1.NetworkPolicyEgressRule{To: peers, Ports: ports})
		}
		all = append(all, p)
	}
	return all
}

func some[T any](random *rand.Rand, one func() T) []T {
	var all []T
	for range random.IntN(3) {
		all = append(all, one())
	}
	return all
}

// both are an address of IPv4, and the one of IPv6 that ends like it.
func both(a, b, c, d byte) []netip.Addr {
	return []netip.Addr{netip.AddrFrom4([4]byte{a, b, c, d}), netip.AddrFrom16([16]byte{0: 0xfd, 12: a, 13: b, 14: c, 15: d})}
}

func namespace(name string, keyAndValue ...string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: pairs(keyAndValue)}}
}

func pairs(keyAndValue []string) map[string]string {
	if len(keyAndValue) == 0 {
		return nil
	}
	return map[string]string{keyAndValue[0]: keyAndValue[1]}
}

func podAt(namespace, name string, address netip.Addr, node string, keyAndValue ...string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: pairs(keyAndValue)},
		Spec: corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{Name: "c", Ports: []corev1.ContainerPort{
			{Name: "alt", ContainerPort: 8080, Protocol: corev1.ProtocolUDP}, {Name: "web", ContainerPort: 80, Protocol: corev1.ProtocolTCP},
		}}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIPs: []corev1.PodIP{{IP: address.String()}}},
	}
}

// apiOf holds the cluster.
func apiOf(t *testing.T, naming apis.Naming, m *Cluster) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	must(t, apis.AddToScheme(scheme, naming))
	var objects []client.Object
	for _, p := range m.Policies {
		objects = append(objects, (*onetworkingv1.NetworkPolicy)(p.DeepCopy()))
	}
	for _, n := range m.Namespaces {
		objects = append(objects, n.DeepCopy())
	}
	for _, p := range m.Pods {
		objects = append(objects, (*ocorev1.Pod)(p.DeepCopy()))
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).Build()
}

func describe(policies []*networkingv1.NetworkPolicy) string {
	text := ""
	for _, p := range policies {
		text += fmt.Sprintf("%s/%s: %s\n", p.Namespace, p.Name, p.Spec.String())
	}
	return text
}

func ruleset() string {
	said, err := exec.CommandContext(context.Background(), "nft", "list", "ruleset").CombinedOutput()
	return fmt.Sprintf("%s (%v)", said, err)
}
