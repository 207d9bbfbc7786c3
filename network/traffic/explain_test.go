package traffic

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/network/policy"
)

func node(name, address, pods, runtime string) *corev1.Node {
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.NodeSpec{PodCIDRs: []string{pods}},
		Status: corev1.NodeStatus{
			Addresses:  []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: address}},
			NodeInfo:   corev1.NodeSystemInfo{ContainerRuntimeVersion: runtime + "://1"},
			Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}},
		},
	}
}

func pod(name, node, address, app string, ready bool) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Labels: map[string]string{"app": app}},
		Spec:       corev1.PodSpec{NodeName: node, DNSPolicy: corev1.DNSClusterFirst},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning, PodIPs: []corev1.PodIP{{IP: address}}},
	}
	if !ready {
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse, Message: "containers with unready status: [web]"}}
	}
	return p
}

func service(name, ip string, mutate func(*corev1.Service)) *corev1.Service {
	s := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name},
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeClusterIP, ClusterIP: ip, ClusterIPs: []string{ip}, Selector: map[string]string{"app": name},
			Ports: []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromInt32(8080)}},
		},
	}
	mutate(s)
	return s
}

// slice has an endpoint for each pod, at port 8080.
func slice(service string, pods ...*corev1.Pod) *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: "shop", Name: service, Labels: map[string]string{discoveryv1.LabelServiceName: service}},
		AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Name: ptr.To("http"), Port: ptr.To[int32](8080)}},
	}
	for _, p := range pods {
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{
			Addresses: []string{p.Status.PodIPs[0].IP}, NodeName: &p.Spec.NodeName, Hostname: &p.Name,
			Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(len(p.Status.Conditions) == 0)},
		})
	}
	return s
}

// shop is a cluster of two nodes and a simulated one: who is called client may reach web, and nobody else may.
func shop() World {
	nothing := func(*corev1.Service) {}
	client, other := pod("client", "a", "10.0.0.2", "client", true), pod("other", "a", "10.0.0.3", "other", true)
	near, far, sick := pod("web-a", "a", "10.0.0.4", "web", true), pod("web-b", "b", "10.0.1.4", "web", true), pod("web-sick", "b", "10.0.1.5", "web", false)
	db := pod("db-0", "b", "10.0.1.6", "db", true)
	ghost := pod("ghost", "sim", "10.0.2.2", "ghost", true)
	allow := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "allow-web"}, Spec: networkingv1.NetworkPolicySpec{
		PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}, PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
		Ingress: []networkingv1.NetworkPolicyIngressRule{{From: []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "client"}}}}}},
	}}
	return World{
		Cluster: policy.Cluster{
			Policies: []*networkingv1.NetworkPolicy{allow}, Namespaces: []*corev1.Namespace{{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}},
			Pods: []*corev1.Pod{client, other, near, far, sick, db, ghost},
		},
		Nodes: []*corev1.Node{node("a", "192.168.0.1", "10.0.0.0/24", "containerd"), node("b", "192.168.0.2", "10.0.1.0/24", "containerd"), node("sim", "192.168.0.9", "10.0.2.0/24", "simulated")},
		Services: []*corev1.Service{
			service("web", "10.96.0.10", func(s *corev1.Service) {
				s.Spec.Ports[0].NodePort = 30080
				s.Spec.ExternalIPs = []string{"203.0.113.5"}
			}),
			service("near", "10.96.0.11", func(s *corev1.Service) {
				s.Spec.InternalTrafficPolicy = ptr.To(corev1.ServiceInternalTrafficPolicyLocal)
			}),
			service("db", corev1.ClusterIPNone, nothing),
			service("none", "10.96.0.12", nothing),
			service("sick", "10.96.0.13", func(s *corev1.Service) { s.Spec.Selector = map[string]string{"app": "web"} }),
			service("hands", "10.96.0.14", func(s *corev1.Service) { s.Spec.Selector = nil }),
			service("two", "10.96.0.15", func(s *corev1.Service) {
				s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{Name: "admin", Port: 81})
			}),
			service("zoned", "10.96.0.16", nothing),
			service("fenced", "10.96.0.17", func(s *corev1.Service) {
				s.Spec.LoadBalancerSourceRanges = []string{"198.51.100.0/24"}
				s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "203.0.113.9"}}
			}),
			service("abroad", "", func(s *corev1.Service) {
				s.Spec.Type, s.Spec.ExternalName = corev1.ServiceTypeExternalName, "example.org"
			}),
		},
		Slices: []*discoveryv1.EndpointSlice{slice("web", near, far, sick), slice("near", near, far), slice("db", db), slice("sick", sick), hinting(slice("zoned", near, far), "a", "b"), slice("fenced", db)},
	}
}

// hinting has each endpoint of a slice say for which node it is best.
func hinting(s *discoveryv1.EndpointSlice, nodes ...string) *discoveryv1.EndpointSlice {
	for i := range s.Endpoints {
		s.Endpoints[i].Hints = &discoveryv1.EndpointHints{ForNodes: []discoveryv1.ForNode{{Name: nodes[i]}}}
	}
	return s
}

func TestExplain(t *testing.T) {
	for _, test := range []struct {
		name     string
		question Question
		outcome  Outcome
		says     []string
	}{
		{"a name leads by the Service to the ready endpoints, and a policy lets it through", Question{From: "client", To: "web", Port: "80"}, Passes, []string{
			"web is web.shop.svc.cluster.local, that of Service shop/web", "port 80/TCP (http) leads to 2 of 3 endpoints",
			"not used: 10.0.1.5:8080, pod shop/web-sick on node b: it is not ready", "let through by ingress rule 1 of NetworkPolicy shop/allow-web",
			"stays on node a", "by node b, 192.168.0.2, which has the pods of 10.0.1.0/24", "It gets through to each of 2 endpoints",
		}},
		{"whom no rule names is dropped, and told by which policy", Question{From: "other", To: "service/web"}, Dropped, []string{
			"It is dropped: NetworkPolicy shop/allow-web isolates pod shop/web-a and has no rule for this, which drops it.",
		}},
		{"a port may be called by its name", Question{From: "client", To: "web.shop", Port: "http"}, Passes, nil},
		{"a port that a Service has not is nobody's", Question{From: "client", To: "web", Port: "443"}, Dropped, []string{"its ports are 80/TCP (http)", "Service shop/web has no port 443/TCP"}},
		{"another protocol is another port", Question{From: "client", To: "web", Port: "80", Protocol: corev1.ProtocolUDP}, Dropped, []string{"no port 80/UDP"}},
		{"a node reaches its own pods whatever policies say, and others as any address does", Question{From: "node/a", To: "10.96.0.10", Port: "80"}, Sometimes, []string{
			"10.96.0.10 is the cluster IP of Service shop/web", "a node always reaches its own pods", "It gets through to 1 of 2 endpoints",
		}},
		{"the internal policy Local keeps to the node", Question{From: "client", To: "near"}, Passes, []string{
			"only endpoints of node a are used", "not used: 10.0.1.4:8080, pod shop/web-b on node b: it is on another node", "It gets through.",
		}},
		{"hints keep to what is near", Question{From: "client", To: "zoned"}, Passes, []string{
			"only those for node a or its zone are used", "not used: 10.0.1.4:8080, pod shop/web-b on node b: it is best for traffic from elsewhere", "It gets through.",
		}},
		{"a load balancer takes nothing from outside of its ranges", Question{From: "192.0.2.7", To: "203.0.113.9", Port: "80"}, Dropped, []string{
			"192.0.2.7 is in none of the loadBalancerSourceRanges of Service shop/fenced: 198.51.100.0/24",
		}},
		{"and what comes from within", Question{From: "198.51.100.7", To: "203.0.113.9", Port: "80"}, Passes, nil},
		{"the internal policy Local may leave nobody", Question{From: "pod/db-0", To: "near"}, Dropped, nil},
		{"the name of a headless Service leads to its pods, at any port", Question{From: "client", To: "db-0.db", Port: "5432"}, Passes, []string{
			"Service shop/db is headless", "10.0.1.6:5432, pod shop/db-0 on node b: gets through",
		}},
		{"no pod has the labels", Question{From: "client", To: "none"}, Refused, []string{"no pod of namespace shop that has not ended has the labels app=none"}},
		{"no pod is ready", Question{From: "client", To: "sick"}, Refused, []string{"web-sick is not ready (containers with unready status: [web])"}},
		{"nobody has made endpoints", Question{From: "client", To: "hands"}, Refused, []string{"it has no selector"}},
		{"a node port is translated where it arrives, and hidden on the way to another node", Question{From: "198.51.100.7", To: "node/a", Port: "30080"}, Dropped, []string{
			"port 30080 of node a is the node port of Service shop/web", "node a hides it behind its own address, 192.168.0.1",
		}},
		{"an external address is a Service's", Question{From: "client", To: "203.0.113.5", Port: "80"}, Sometimes, []string{"203.0.113.5 is an external address of Service shop/web"}},
		{"a name outside is the resolvers' business", Question{From: "client", To: "example.org", Port: "443"}, Leaves, []string{"example.org is no name of the cluster"}},
		{"a Service may be another name", Question{From: "client", To: "abroad", Port: "443"}, Leaves, []string{"Service shop/abroad is another name for example.org"}},
		{"a name that nobody has", Question{From: "client", To: "wbe", Port: "80"}, Unresolved, []string{"asked for wbe.shop.svc.cluster.local, wbe.svc.cluster.local, wbe.cluster.local, wbe"}},
		{"an address outside gets the node's address", Question{From: "client", To: "198.51.100.7", Port: "443"}, Leaves, []string{"leaves by node a, and with the node's address"}},
		{"a simulated node has no network", Question{From: "client", To: "pod/ghost", Port: "80"}, Dropped, []string{"node sim is simulated and has no network"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.question.Namespace = "shop"
			answer, err := Explain(shop(), test.question)
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			if err := answer.Write(&text); err != nil {
				t.Fatal(err)
			}
			if answer.Outcome != test.outcome {
				t.Errorf("the outcome is %s, want %s", answer.Outcome, test.outcome)
			}
			for _, sentence := range test.says {
				if !strings.Contains(text.String(), sentence) {
					t.Errorf("it does not say %q", sentence)
				}
			}
			if t.Failed() {
				t.Log(text.String())
			}
		})
	}
}

func TestExplainService(t *testing.T) {
	for _, test := range []struct{ name, service, text string }{
		{"a Service with endpoints names them, and those that it does not use", "web", `Service shop/web, ClusterIP: 10.96.0.10, 203.0.113.5

80/TCP (http) leads to 2 of 3 endpoints
  10.0.0.4:8080, pod shop/web-a on node a
  10.0.1.4:8080, pod shop/web-b on node b
  not used: 10.0.1.5:8080, pod shop/web-sick on node b: it is not ready
`},
		{"one without says why", "sick", `Service shop/sick, ClusterIP: 10.96.0.13

80/TCP (http) leads to 0 of 1 endpoints
  not used: 10.0.1.5:8080, pod shop/web-sick on node b: it is not ready
  none is ready: of the pods that it selects, web-a is ready, and its EndpointSlice does not say so yet, web-b is ready, and its EndpointSlice does not say so yet, web-sick is not ready (containers with unready status: [web])
`},
		{"another name is told as one", "abroad", "Service shop/abroad, ExternalName: example.org\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			service, err := ExplainService(shop(), "shop", test.service)
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			if err := service.Write(&text); err != nil {
				t.Fatal(err)
			}
			if text.String() != test.text {
				t.Errorf("it says\n%s\nwant\n%s", text.String(), test.text)
			}
		})
	}
}

func TestAQuestionThatCannotBeAnsweredSaysWhatToDo(t *testing.T) {
	for _, test := range []struct {
		name     string
		question Question
		says     string
	}{
		{"no such pod", Question{From: "nobody", To: "web"}, "there is no pod nobody in namespace shop"},
		{"no such Service", Question{From: "client", To: "service/wbe"}, "there is no Service wbe in namespace shop"},
		{"no such kind", Question{From: "deployment/web", To: "web"}, "want pod/NAME"},
		{"who opens it is a Service", Question{From: "service/web", To: "web"}, "opens no connections"},
		{"a port that is none", Question{From: "client", To: "10.0.0.4", Port: "http"}, `port "http": want a number`},
		{"one of several ports", Question{From: "client", To: "two"}, "as in two:80; they are 80/TCP (http), 81/TCP (admin)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.question.Namespace = "shop"
			if _, err := Explain(shop(), test.question); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("the error is %v, want one that says %q", err, test.says)
			}
		})
	}
}

func TestTarget(t *testing.T) {
	for text, want := range map[string][]string{
		"web":               {"web", ""},
		"web:80":            {"web", "80"},
		"service/web:http":  {"service/web", "http"},
		"10.0.0.1":          {"10.0.0.1", ""},
		"10.0.0.1:80":       {"10.0.0.1", "80"},
		"fd00::1":           {"fd00::1", ""},
		"[fd00::1]:80":      {"fd00::1", "80"},
		"pod/shop/web-0:80": {"pod/shop/web-0", "80"},
	} {
		to, port := Target(text)
		if got := []string{to, port}; !slices.Equal(got, want) {
			t.Errorf("Target(%q) is %q, want %q", text, got, want)
		}
	}
}
