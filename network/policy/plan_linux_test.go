package policy

import (
	"net/netip"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/network/ipfamily"
	"github.com/orrery-dev/orrery/network/nft"
)

// worldOf is a node called here, with a web pod and a database, and a pod on another node.
func worldOf(policies ...*networkingv1.NetworkPolicy) World {
	return World{
		Options:    Options{Name: "test", NodeName: "here"},
		Policies:   policies,
		Namespaces: []*corev1.Namespace{namespace("a", "team", "x")},
		Pods: []*corev1.Pod{
			podAt("a", "web", netip.MustParseAddr("10.84.0.5"), "here", "app", "web"),
			podAt("a", "db", netip.MustParseAddr("10.84.0.6"), "here", "app", "db"),
			podAt("a", "far", netip.MustParseAddr("10.84.1.5"), "elsewhere", "app", "web"),
		},
		Present: &nft.Table{},
	}
}

func ingressPolicy(name string, rules ...networkingv1.NetworkPolicyIngressRule) *networkingv1.NetworkPolicy {
	return &networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: name},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{"app": "db"}},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
			Ingress:     rules,
		},
	}
}

func TestTheTable(t *testing.T) {
	fromWeb := networkingv1.NetworkPolicyPeer{PodSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}}
	tcp, sctp := corev1.ProtocolTCP, corev1.ProtocolSCTP
	for _, test := range []struct {
		name     string
		policies []*networkingv1.NetworkPolicy
		change   func(*World)
		has      []string
		hasNot   []string
	}{
		{"isolates nobody without a policy", nil, nil, []string{"ip daddr vmap @isolated-ingress"}, []string{"10.84"}},
		{
			"drops everything for a pod that a policy without rules selects, and for no other",
			[]*networkingv1.NetworkPolicy{ingressPolicy("deny")}, nil,
			[]string{
				`10.84.0.6 comment "a/db" : jump ingress-a/deny,`, "chain ingress-a/deny {\n\t\tdrop\n\t}",
				`10.84.0.6 . 10.84.0.6 comment "a/db"`,
			},
			[]string{"10.84.0.5", "10.84.1.5"},
		},
		{
			"lets in whom a rule names, at the ports that it names, also from other nodes",
			[]*networkingv1.NetworkPolicy{ingressPolicy("web", networkingv1.NetworkPolicyIngressRule{
				From: []networkingv1.NetworkPolicyPeer{fromWeb},
				Ports: []networkingv1.NetworkPolicyPort{
					{Protocol: &tcp, Port: ptr.To(intstr.FromInt32(5432))}, {Protocol: &sctp}, {Port: ptr.To(intstr.FromInt32(80)), EndPort: ptr.To[int32](90)},
				},
			})}, nil,
			[]string{
				"meta l4proto tcp th dport 5432 return", "meta l4proto sctp return", "meta l4proto tcp th dport 80-90 return",
				"comment \"pods with app=web of a\"\n\t\telements = {\n\t\t\t10.84.0.5 comment \"a/web\",\n\t\t\t10.84.1.5 comment \"a/far\",",
			}, nil,
		},
		{
			"looks a port by name up at the pods that are called",
			[]*networkingv1.NetworkPolicy{ingressPolicy("named", networkingv1.NetworkPolicyIngressRule{
				Ports: []networkingv1.NetworkPolicyPort{{Protocol: &tcp, Port: ptr.To(intstr.FromString("web"))}},
			})}, nil,
			[]string{"ip daddr . meta l4proto . th dport @ports-", "10.84.0.6 . tcp . 80 comment \"a/db\""}, []string{"10.84.0.5 . tcp"},
		},
		{
			"takes the exceptions from a block, and passes over blocks of the other family",
			[]*networkingv1.NetworkPolicy{ingressPolicy("blocks", networkingv1.NetworkPolicyIngressRule{From: []networkingv1.NetworkPolicyPeer{
				{IPBlock: &networkingv1.IPBlock{CIDR: "192.0.2.0/24", Except: []string{"192.0.2.8/29"}}}, {IPBlock: &networkingv1.IPBlock{CIDR: "fd00::/8"}},
			}})}, nil,
			[]string{"ip saddr 192.0.2.0/24 ip saddr != 192.0.2.8/29 return"}, []string{"fd00"},
		},
		{
			"does in both families what a policy says, where pods have addresses of both",
			[]*networkingv1.NetworkPolicy{ingressPolicy("web", networkingv1.NetworkPolicyIngressRule{
				From: []networkingv1.NetworkPolicyPeer{fromWeb, {IPBlock: &networkingv1.IPBlock{CIDR: "fd00:1::/64", Except: []string{"fd00:1::8/125"}}}},
				Ports: []networkingv1.NetworkPolicyPort{
					{Protocol: &tcp, Port: ptr.To(intstr.FromInt32(5432))}, {Protocol: &tcp, Port: ptr.To(intstr.FromString("web"))},
				},
			})}, func(w *World) {
				w.Families = ipfamily.All
				for i, ip := range []string{"fd00::5", "fd00::6", "fd00::1:5"} {
					w.Pods[i].Status.PodIPs = append(w.Pods[i].Status.PodIPs, corev1.PodIP{IP: ip})
				}
			},
			[]string{
				`10.84.0.6 comment "a/db" : jump ingress-a/web`, `fd00::6 comment "a/db" : jump ingress-a/web`, "ip6 daddr vmap @isolated-ingress-ipv6",
				"ip saddr @pods-", "ip6 saddr @pods-", `fd00::1:5 comment "a/far"`,
				"ip6 saddr fd00:1::/64 ip6 saddr != fd00:1::8/125 meta l4proto tcp th dport 5432 return",
				"ip6 saddr fd00:1::/64 ip6 saddr != fd00:1::8/125 ip6 daddr . meta l4proto . th dport @ports-", `fd00::6 . tcp . 80 comment "a/db"`,
			}, []string{"ip6 saddr fd00:1::/64 ip6 saddr != fd00:1::8/125 ip daddr"},
		},
		{
			"gives pods with the same policies one chain, which lets through what one of them does",
			[]*networkingv1.NetworkPolicy{ingressPolicy("deny"), ingressPolicy("all", networkingv1.NetworkPolicyIngressRule{})}, nil,
			[]string{"jump ingress-a/all/deny", "chain ingress-a/all/deny {\n\t\treturn\n\t\tdrop"}, nil,
		},
		{
			"leaves alone who is on the host's network, and who has ended",
			[]*networkingv1.NetworkPolicy{ingressPolicy("deny")}, func(w *World) {
				w.Pods[1].Status.Phase = corev1.PodSucceeded
				host := podAt("a", "host", netip.MustParseAddr("10.84.0.1"), "here", "app", "db")
				host.Spec.HostNetwork = true
				w.Pods = append(w.Pods, host)
			},
			nil, []string{"10.84"},
		},
		{
			"isolates a pod of which only the node's agent knows the address",
			[]*networkingv1.NetworkPolicy{ingressPolicy("deny")}, func(w *World) {
				w.Pods[1].Status.PodIPs = nil
				w.Pods = append(w.Pods, podAt("a", "db", netip.MustParseAddr("10.84.0.9"), "here", "app", "db"))
			},
			[]string{`10.84.0.9 comment "a/db" : jump ingress-a/deny`}, nil,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := worldOf(test.policies...)
			if test.change != nil {
				test.change(&w)
			}
			text := tableOf(w).String()
			for _, want := range test.has {
				if !strings.Contains(text, want) {
					t.Errorf("it has not %q:\n%s", want, text)
				}
			}
			for _, no := range test.hasNot {
				if strings.Contains(text, no) {
					t.Errorf("it has %q:\n%s", no, text)
				}
			}
		})
	}
}

func TestThePlanSaysWhyAndLetsPodsStartLast(t *testing.T) {
	w := worldOf(ingressPolicy("deny"))
	w.Waiting = w.Pods[1:2]
	said := Plan(w).String()
	for _, want := range []string{"NetworkPolicy deny selects pod a/db for ingress", "let the containers start of a/db"} {
		if !strings.Contains(said, want) {
			t.Errorf("the plan does not say %q:\n%s", want, said)
		}
	}
	if strings.Index(said, "let the containers") < strings.Index(said, "in one transaction") {
		t.Errorf("pods start before the table is written:\n%s", said)
	}
	w.Present, w.Waiting = tableOf(w), nil
	if again := Plan(w).String(); strings.Contains(again, "transaction") {
		t.Errorf("with the table as it should be there is still something to do:\n%s", again)
	}
}
