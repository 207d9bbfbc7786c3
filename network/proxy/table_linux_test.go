package proxy

import (
	"flag"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/network/nft"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldens are worlds whose whole tables are kept in testdata, to be read.
var goldens = map[string]World{
	"no-services": worldOf(),
	"two-endpoints": worldOf(
		service(nodePort), slice(at("10.84.0.5", "here"), at("10.84.1.6", "there"))),
	"affinity": worldOf(
		service(nodePort, affine), slice(at("10.84.0.5", "here"), at("10.84.1.6", "there"))),
	"local-policies": worldOf(
		service(nodePort, externalLocal, internalLocal), slice(at("10.84.0.5", "here"), at("10.84.1.6", "there"))),
	"no-endpoints": worldOf(service(nodePort)),
	"dual-stack": dual(worldOf(
		service(nodePort, affine), slice(at("10.84.0.5", "here"), at("10.84.1.6", "there")))),
	"node-port-addresses": withNodePortAddresses(dual(worldOf(
		service(nodePort), slice(at("10.84.0.5", "here"))))),
	"load-balancer": withBalancerCIDR(worldOf(
		service(balanced("192.0.2.0/24", "198.51.100.7/32")), slice(at("10.84.0.5", "here"), at("10.84.1.6", "there")))),
}

func TestTableAgainstGoldens(t *testing.T) {
	for name, world := range goldens {
		t.Run(name, func(t *testing.T) {
			got := tableFor(world).String()
			file := filepath.Join("testdata", name+".nft")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("the table differs from %s (-want +got; -update writes it anew):\n%s", file, diff)
			}
		})
	}
}

func TestKernelAcceptsGoldenTables(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("asking the kernel needs root")
	}
	nft, err := exec.LookPath("nft")
	if err != nil {
		t.Skip("there is no nft program")
	}
	for name := range goldens {
		t.Run(name, func(t *testing.T) {
			said, err := exec.Command(nft, "--check", "--file", filepath.Join("testdata", name+".nft")).CombinedOutput()
			if err != nil {
				t.Errorf("nft: %v\n%s", err, said)
			}
		})
	}
}

func TestTable(t *testing.T) {
	const clusterIP, nodePortKey = "10.96.0.10 . tcp . 80", "tcp . 30080"
	here, there := at("10.84.0.5", "here"), at("10.84.1.6", "there")

	for _, c := range []struct {
		name  string
		world World
		// what is said of the cluster IP, and of the node port where there is one: where traffic may end, or "refused", "dropped"
		// or "unknown"
		inside, outside string
	}{
		{"sends to every ready endpoint", worldOf(service(), slice(here, there)), "10.84.0.5:8080 10.84.1.6:8080", "unknown"},
		{"leaves out an endpoint that is not ready", worldOf(service(), slice(here, unready("10.84.1.6", "there"))), "10.84.0.5:8080", "unknown"},
		{"leaves out one that terminates while another is ready", worldOf(service(), slice(here, terminating("10.84.1.6", "there"))), "10.84.0.5:8080", "unknown"},
		{"sends to one that terminates when none is ready", worldOf(service(), slice(terminating("10.84.1.6", "there"), unready("10.84.0.5", "here"))), "10.84.1.6:8080", "unknown"},
		{"takes nil conditions for ready", worldOf(service(), slice(discoveryv1.Endpoint{Addresses: []string{"10.84.0.5"}})), "10.84.0.5:8080", "unknown"},
		{"names an endpoint once that is in two slices", worldOf(service(), slice(here), slice(here)), "10.84.0.5:8080", "unknown"},
		{"believes the slice that says ready", worldOf(service(), slice(unready("10.84.0.5", "here")), slice(here)), "10.84.0.5:8080", "unknown"},
		{"refuses without endpoints", worldOf(service(nodePort)), "refused", "refused"},
		{"refuses when no endpoint is ready or serves", worldOf(service(nodePort), slice(unready("10.84.0.5", "here"))), "refused", "refused"},
		{"ignores the slices of another service", worldOf(service(), of("other", slice(here))), "refused", "unknown"},
		{"ignores a port of another name", worldOf(service(), portNamed("metrics", slice(here))), "refused", "unknown"},
		{"ignores a port of another protocol", worldOf(service(), protocol(corev1.ProtocolUDP, slice(here))), "refused", "unknown"},
		{"ignores IPv6 endpoints", worldOf(service(), ipv6(slice(at("fd00::5", "here")))), "refused", "unknown"},
		{"knows nothing of a headless service", worldOf(service(headless), slice(here)), "unknown", "unknown"},
		{"knows nothing of an external name", worldOf(service(externalName), slice(here)), "unknown", "unknown"},

		{"serves a node port like the cluster IP", worldOf(service(nodePort), slice(here, there)), "10.84.0.5:8080 10.84.1.6:8080", "10.84.0.5:8080 10.84.1.6:8080"},
		{"keeps outside traffic here under externalTrafficPolicy Local", worldOf(service(nodePort, externalLocal), slice(here, there)), "10.84.0.5:8080 10.84.1.6:8080", "10.84.0.5:8080"},
		{"drops outside traffic under Local when no endpoint is here", worldOf(service(nodePort, externalLocal), slice(there)), "10.84.1.6:8080", "dropped"},
		{"keeps inside traffic here under internalTrafficPolicy Local", worldOf(service(nodePort, internalLocal), slice(here, there)), "10.84.0.5:8080", "10.84.0.5:8080 10.84.1.6:8080"},
		{"drops inside traffic under Local when no endpoint is here", worldOf(service(internalLocal), slice(there)), "dropped", "unknown"},
		{"prefers a local endpoint that terminates to dropping, under Local", worldOf(service(nodePort, externalLocal), slice(terminating("10.84.0.5", "here"), there)), "10.84.1.6:8080", "10.84.0.5:8080"},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := tableFor(c.world)
			if got := fate(table, "services", "refused", clusterIP); got != c.inside {
				t.Errorf("traffic to the cluster IP: %s, want %s\n%s", got, c.inside, table)
			}
			if got := fate(table, "node-ports", "refused-node-ports", nodePortKey); got != c.outside {
				t.Errorf("traffic from outside to the node port: %s, want %s\n%s", got, c.outside, table)
			}
		})
	}
}

func withNodePortAddresses(w World) World {
	w.NodePortAddresses = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.0.2.7/32")}
	return w
}

func withBalancerCIDR(w World) World {
	w.BalancerCIDRs = []netip.Prefix{netip.MustParsePrefix("10.84.254.0/24")}
	return w
}

func TestTableOfLoadBalancers(t *testing.T) {
	here, there := at("10.84.0.5", "here"), at("10.84.1.6", "there")
	proxied := func(s *corev1.Service) {
		s.Status.LoadBalancer.Ingress[0].IPMode = ptr.To(corev1.LoadBalancerIPModeProxy)
	}
	named := func(s *corev1.Service) {
		s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{Hostname: "lb.example.com"}}
	}
	retyped := func(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeClusterIP }

	for _, c := range []struct {
		name  string
		world World
		want  string // where traffic from outside may end
	}{
		{"sends to every ready endpoint", worldOf(service(balanced()), slice(here, there)), "10.84.0.5:8080 10.84.1.6:8080"},
		{"sends also where the Service has no node ports", worldOf(service(balanced()), slice(here)), "10.84.0.5:8080"},
		{"refuses without endpoints", worldOf(service(balanced())), "refused"},
		{"keeps outside traffic here under Local", worldOf(service(balanced(), externalLocal), slice(here, there)), "10.84.0.5:8080"},
		{"drops it when no endpoint is here", worldOf(service(balanced(), externalLocal), slice(there)), "dropped"},
		{"leaves an address alone whose balancer sends to node ports", worldOf(service(balanced(), proxied), slice(here)), "unknown"},
		{"has nothing to do for a name", worldOf(service(balanced(), named), slice(here)), "unknown"},
		{"ignores what is left of another type", worldOf(service(balanced(), retyped), slice(here)), "unknown"},
		{"lets nobody through where only ranges of IPv6 may come", worldOf(service(balanced("2001:db8::/32")), slice(here)), "dropped"},
		{"sends on who comes from a range that may", worldOf(service(balanced("192.0.2.0/24")), slice(here)), "goto external-default/web/tcp/80"},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := tableFor(c.world)
			if got := fate(table, "services", "refused", "10.84.254.1 . tcp . 80"); got != c.want {
				t.Errorf("traffic to the load balancer: %s, want %s\n%s", got, c.want, table)
			}
		})
	}
	t.Run("drops whoever comes from elsewhere, and names no range twice", func(t *testing.T) {
		table := tableFor(worldOf(service(balanced("192.0.2.0/24", " 192.0.2.128/25", "10.0.0.0/8", "2001:db8::/32")), slice(here)))
		want := []string{"ip saddr != { 10.0.0.0/8 , 192.0.2.0/24 } drop", "goto external-default/web/tcp/80"}
		if diff := cmp.Diff(want, rules(table, "balancer-default/web/tcp/80")); diff != "" {
			t.Error(diff)
		}
	})
}

func TestTableFollowsHints(t *testing.T) {
	near, far := at("10.84.0.5", "here"), at("10.84.1.6", "there")
	for _, c := range []struct {
		name  string
		world World
		want  string
	}{
		{"stays in the zone where all endpoints hint", worldOf(nodeIn("a"), service(), slice(hinting("", "a", near), hinting("", "b", far))), "10.84.0.5:8080"},
		{"goes anywhere when one has no hint", worldOf(nodeIn("a"), service(), slice(hinting("", "a", near), far)), "10.84.0.5:8080 10.84.1.6:8080"},
		{"goes anywhere when none is for this zone", worldOf(nodeIn("c"), service(), slice(hinting("", "a", near), hinting("", "b", far))), "10.84.0.5:8080 10.84.1.6:8080"},
		{"goes anywhere while the node is not known", worldOf(service(), slice(hinting("", "a", near), hinting("", "b", far))), "10.84.0.5:8080 10.84.1.6:8080"},
		{"stays on the node rather than in the zone", worldOf(nodeIn("a"), service(), slice(hinting("here", "a", near), hinting("there", "a", far))), "10.84.0.5:8080"},
		{"stays in the zone when no endpoint is for the node", worldOf(nodeIn("a"), service(), slice(hinting("third", "b", near), hinting("there", "a", far))), "10.84.1.6:8080"},
		{"ignores the hints of endpoints that are not ready", worldOf(nodeIn("a"), service(), slice(hinting("", "a", terminating("10.84.0.5", "here")), hinting("", "b", far))), "10.84.1.6:8080"},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := tableFor(c.world)
			if got := fate(table, "services", "refused", "10.96.0.10 . tcp . 80"); got != c.want {
				t.Errorf("traffic to the cluster IP: %s, want %s\n%s", got, c.want, table)
			}
		})
	}
}

func TestTableMasquerades(t *testing.T) {
	cluster := worldOf(service(nodePort), slice(at("10.84.0.5", "here"), at("10.84.1.6", "there")))
	local := worldOf(service(nodePort, externalLocal), slice(at("10.84.0.5", "here")))

	for _, c := range []struct {
		name  string
		table *nft.Table
		chain string
		want  []string // the rules that mark for masquerading
	}{
		{"pods keep their address on the way to a cluster IP", tableFor(cluster), "service-default/web/tcp/80", []string{"ip saddr != 10.84.0.0/16 " + setMark}},
		{"all outside traffic, under the policy Cluster", tableFor(cluster), "external-default/web/tcp/80", []string{setMark}},
		{"only this node's own, under the policy Local", tableFor(local), "external-default/web/tcp/80", []string{"fib saddr type local " + setMark}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, rule := range rules(c.table, c.chain) {
				if strings.Contains(rule, setMark) {
					got = append(got, rule)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("a pod of this node on the way to itself", func(t *testing.T) {
		for _, set := range tableFor(cluster).Sets {
			if set.Name == "hairpins" && (len(set.Elements) != 1 || set.Elements[0].Key != "10.84.0.5 . 10.84.0.5") {
				t.Errorf("hairpins are %v, want only 10.84.0.5's", set.Elements)
			}
		}
	})
}

func TestTableDoesNotDependOnTheOrderOfWhatItRead(t *testing.T) {
	other := service(func(s *corev1.Service) { s.Name, s.Spec.ClusterIP, s.Spec.ClusterIPs = "other", "10.96.0.11", nil })
	one := worldOf(service(affine), other, slice(at("10.84.0.5", "here"), at("10.84.1.6", "there")), of("other", slice(at("10.84.0.7", "here"))))
	two := worldOf(other, of("other", slice(at("10.84.0.7", "here"))), slice(at("10.84.1.6", "there"), at("10.84.0.5", "here")), service(affine))
	if diff := cmp.Diff(tableFor(one).String(), tableFor(two).String()); diff != "" {
		t.Error(diff)
	}
}

// fate says, in words, what a table does with packets of which a key is true: for each, the last rules of the chain decide, which are those
// for traffic from outside the cluster.
func fate(t *nft.Table, translated, refused, key string) string {
	for _, set := range t.Sets {
		for _, element := range set.Elements {
			switch {
			case element.Key != key:
			case set.Name == refused:
				return "refused"
			case set.Name == translated && element.Value == "drop":
				return "dropped"
			case set.Name == translated:
				all := rules(t, strings.TrimPrefix(element.Value, "goto "))
				return ends(all[len(all)-1])
			}
		}
	}
	return "unknown"
}

// ends reads the endpoints out of a rule.
func ends(rule string) string {
	if rule == "drop" {
		return "dropped"
	}
	if strings.HasPrefix(rule, "goto ") {
		return rule
	}
	_, to, _ := strings.Cut(rule, "dnat ip to ")
	if !strings.Contains(to, "map {") {
		return to
	}
	var all []string
	_, choices, _ := strings.Cut(strings.TrimSuffix(to, " }"), "map { ")
	for _, choice := range strings.Split(choices, " , ") {
		_, end, _ := strings.Cut(choice, " : ")
		all = append(all, strings.ReplaceAll(end, " . ", ":"))
	}
	return strings.Join(all, " ")
}

func rules(t *nft.Table, chain string) []string {
	for _, c := range t.Chains {
		if c.Name == chain {
			return c.Rules
		}
	}
	return nil
}

func of(name string, s *discoveryv1.EndpointSlice) *discoveryv1.EndpointSlice {
	s.Labels[discoveryv1.LabelServiceName] = name
	return s
}

func portNamed(name string, s *discoveryv1.EndpointSlice) *discoveryv1.EndpointSlice {
	s.Ports[0].Name = ptr.To(name)
	return s
}

func protocol(p corev1.Protocol, s *discoveryv1.EndpointSlice) *discoveryv1.EndpointSlice {
	s.Ports[0].Protocol = ptr.To(p)
	return s
}

func ipv6(s *discoveryv1.EndpointSlice) *discoveryv1.EndpointSlice {
	s.AddressType = discoveryv1.AddressTypeIPv6
	return s
}

func headless(s *corev1.Service) {
	s.Spec.ClusterIP, s.Spec.ClusterIPs = corev1.ClusterIPNone, []string{corev1.ClusterIPNone}
}

func externalName(s *corev1.Service) {
	s.Spec.Type, s.Spec.ClusterIP, s.Spec.ClusterIPs = corev1.ServiceTypeExternalName, "", nil
}
