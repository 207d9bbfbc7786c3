package traffic

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// dualShop is the shop where its web has addresses of both IP families, and other has one of IPv4 alone. Who comes to web by IPv6 has
// to be of its own node.
func dualShop() World {
	w := shop()
	for i, six := range map[int]string{0: "fd00::2", 2: "fd00::4", 3: "fd00:0:0:1::4"} {
		w.Pods[i].Status.PodIPs = append(w.Pods[i].Status.PodIPs, corev1.PodIP{IP: six})
	}
	for i, six := range []string{"2001:db8::1", "2001:db8::2"} {
		w.Nodes[i].Status.Addresses = append(w.Nodes[i].Status.Addresses, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: six})
		w.Nodes[i].Spec.PodCIDRs = append(w.Nodes[i].Spec.PodCIDRs, []string{"fd00::/64", "fd00:0:0:1::/64"}[i])
	}
	web := w.Services[0]
	web.Spec.IPFamilies = []corev1.IPFamily{corev1.IPv4Protocol, corev1.IPv6Protocol}
	web.Spec.ClusterIPs = append(web.Spec.ClusterIPs, "fd00:96::10")
	six := w.Slices[0].DeepCopy()
	six.Name, six.AddressType, six.Endpoints = "web-six", discoveryv1.AddressTypeIPv6, six.Endpoints[:2]
	six.Endpoints[0].Addresses, six.Endpoints[1].Addresses = []string{"fd00::4"}, []string{"fd00:0:0:1::4"}
	w.Slices = append(w.Slices, six)
	w.Policies[0].Spec.Ingress = []networkingv1.NetworkPolicyIngressRule{{From: []networkingv1.NetworkPolicyPeer{
		{IPBlock: &networkingv1.IPBlock{CIDR: "10.0.0.2/32"}}, {IPBlock: &networkingv1.IPBlock{CIDR: "fd00::/64"}},
	}}}
	return w
}

func TestExplainInBothFamilies(t *testing.T) {
	for _, test := range []struct {
		name     string
		question Question
		outcome  Outcome
		says     []string
		not      string
	}{
		{"a name is followed in the first family of its Service, and says so", Question{From: "client", To: "web", Port: "80"}, Passes, []string{
			"its name leads to addresses of both IP families; this is about IPv4", "10.0.0.4:8080", "by node b, 192.168.0.2",
		}, "fd00::4"},
		{"an address of IPv6 leads to endpoints of it, judged by the source's own", Question{From: "client", To: "fd00:96::10", Port: "80"}, Passes, []string{
			"port 80/TCP (http) leads to 2 of 2 endpoints", "[fd00::4]:8080", "let through by ingress rule 1 of NetworkPolicy shop/allow-web",
			"by node b, 2001:db8::2, which has the pods of 10.0.1.0/24, fd00:0:0:1::/64",
		}, "10.0.0.4"},
		{"who has no address of IPv6 reaches none", Question{From: "other", To: "fd00:96::10", Port: "80"}, Dropped, []string{
			"pod shop/other, 10.0.0.3 on node a has no address of IPv6, which",
		}, "let through"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.question.Namespace = "shop"
			answer, err := Explain(dualShop(), test.question)
			if err != nil {
				t.Fatal(err)
			}
			var said strings.Builder
			if err := answer.Write(&said); err != nil {
				t.Fatal(err)
			}
			text := said.String()
			if answer.Outcome != test.outcome {
				t.Errorf("the outcome is %s, want %s:\n%s", answer.Outcome, test.outcome, text)
			}
			for _, want := range test.says {
				if !strings.Contains(text, want) {
					t.Errorf("it does not say %q:\n%s", want, text)
				}
			}
			if strings.Contains(text, test.not) {
				t.Errorf("it says %q:\n%s", test.not, text)
			}
		})
	}
}
