package proxy

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/network/endpoints"
	"github.com/orrery-dev/orrery/network/ipfamily"
)

// port is one port of one service in one IP family, with all that matters for its traffic. It is what a plan is made of.
type port struct {
	id       string // in chains and comments: "default/web/tcp/80"
	family   ipfamily.Family
	service  types.NamespacedName
	protocol string // "tcp", "udp" or "sctp"
	number   int32
	nodePort int32 // 0 means none

	clusterIPs, externalIPs []netip.Addr
	// balancerIPs are addresses that a load balancer has for the Service and leaves to us.
	balancerIPs []netip.Addr
	// sources are the ranges that may reach balancerIPs, if limited: none of the family means nobody.
	sources []netip.Prefix
	limited bool

	// cluster are the endpoints that traffic from this node may go to under the policy Cluster: anywhere, or those that are meant
	// for it. local are those on this node.
	cluster, local []endpoint
	// ready are those of local that are ready.
	ready []endpoint
	// terminating says that those of cluster are used for want of ready ones.
	terminating bool
	// internalLocal and externalLocal keep traffic, from pods or from outside, on this node.
	internalLocal, externalLocal bool
	// affinity above zero sends a client to the endpoint that it had, for so long after its last connection.
	affinity time.Duration
}

// endpoint is where a connection may end.
type endpoint struct {
	address netip.AddrPort
	here    bool // on this node
}

// why is the sentence that says why traffic to the port goes as it does.
func (p *port) why() string {
	switch n := len(p.cluster); {
	case n == 0:
		return fmt.Sprintf("Service %s has no ready endpoint", p.service)
	case p.terminating:
		return fmt.Sprintf("Service %s has no ready endpoint, and %d that still serve while they terminate", p.service, n)
	case p.internalLocal || p.externalLocal:
		return fmt.Sprintf("Service %s has %d ready %s, %d of them on this node", p.service, n, plural(n, "endpoint"), len(p.local))
	default:
		return fmt.Sprintf("Service %s has %d ready %s", p.service, n, plural(n, "endpoint"))
	}
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// ports lists the ports of all services that have an address, once for each family of those, in a stable order.
func ports(w World) []port {
	bySlice := map[types.NamespacedName][]*discoveryv1.EndpointSlice{}
	for _, slice := range w.Slices {
		service := types.NamespacedName{Namespace: slice.Namespace, Name: slice.Labels[discoveryv1.LabelServiceName]}
		bySlice[service] = append(bySlice[service], slice)
	}
	var all []port
	for _, service := range w.Services {
		if service.Spec.Type == corev1.ServiceTypeExternalName || service.Spec.ClusterIP == corev1.ClusterIPNone || service.Spec.ClusterIP == "" {
			continue
		}
		name := types.NamespacedName{Namespace: service.Namespace, Name: service.Name}
		for _, family := range w.families() {
			clusterIPs := addresses(family, append(service.Spec.ClusterIPs, service.Spec.ClusterIP))
			if len(clusterIPs) == 0 {
				continue // the Service is not of this family
			}
			for i := range service.Spec.Ports {
				p := newPort(family, service, &service.Spec.Ports[i], bySlice[name], w.place())
				p.clusterIPs = clusterIPs
				all = append(all, p)
			}
		}
	}
	slices.SortFunc(all, func(a, b port) int { return cmp.Compare(a.id, b.id) })
	return all
}

func newPort(family ipfamily.Family, service *corev1.Service, spec *corev1.ServicePort, from []*discoveryv1.EndpointSlice, here endpoints.Place) port {
	p := port{
		family:        family,
		service:       types.NamespacedName{Namespace: service.Namespace, Name: service.Name},
		protocol:      strings.ToLower(string(cmp.Or(spec.Protocol, corev1.ProtocolTCP))),
		number:        spec.Port,
		nodePort:      spec.NodePort,
		externalIPs:   addresses(family, service.Spec.ExternalIPs),
		balancerIPs:   balancerIPs(family, service),
		limited:       len(service.Spec.LoadBalancerSourceRanges) > 0,
		sources:       ranges(family, service.Spec.LoadBalancerSourceRanges),
		internalLocal: service.Spec.InternalTrafficPolicy != nil && *service.Spec.InternalTrafficPolicy == corev1.ServiceInternalTrafficPolicyLocal,
		externalLocal: service.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal,
		affinity:      affinity(service),
	}
	p.id = fmt.Sprintf("%s/%s/%d%s", p.service, p.protocol, p.number, family.Suffix())
	all := endpoints.Of(from, spec, family.AddressType())
	local := slices.DeleteFunc(slices.Clone(all), func(e endpoints.Endpoint) bool { return e.Node != here.Node })
	p.cluster, p.local = used(endpoints.Near(all, here), here), used(local, here)
	p.terminating = !slices.ContainsFunc(all, isReady)
	p.ready = used(slices.DeleteFunc(local, func(e endpoints.Endpoint) bool { return !e.Ready }), here)
	return p
}

func isReady(e endpoints.Endpoint) bool { return e.Ready }

// used are those endpoints that connections are sent to.
func used(all []endpoints.Endpoint, here endpoints.Place) []endpoint {
	var some []endpoint
	for _, e := range endpoints.Usable(all) {
		some = append(some, endpoint{e.Address, e.Node == here.Node})
	}
	return some
}

// outsideIPs are the addresses besides cluster IPs at which the port is reached.
func (p *port) outsideIPs() []netip.Addr { return slices.Concat(p.externalIPs, p.balancerIPs) }

// balancerIPs are the addresses of a Service's load balancer whose packets come as they were sent. In the mode Proxy they come
// from the balancer, to a node port.
func balancerIPs(family ipfamily.Family, service *corev1.Service) []netip.Addr {
	if service.Spec.Type != corev1.ServiceTypeLoadBalancer {
		return nil
	}
	var texts []string
	for _, ingress := range service.Status.LoadBalancer.Ingress {
		if ingress.IPMode == nil || *ingress.IPMode == corev1.LoadBalancerIPModeVIP {
			texts = append(texts, ingress.IP)
		}
	}
	return addresses(family, texts)
}

// ranges are those of a family among these, as apart makes them.
func ranges(family ipfamily.Family, texts []string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		if r, err := netip.ParsePrefix(strings.TrimSpace(text)); err == nil {
			all = append(all, r)
		}
	}
	return apart(family, all)
}

// apart are those of a family among some ranges, each once and without those that lie in others: the kernel wants no overlap.
func apart(family ipfamily.Family, ranges []netip.Prefix) []netip.Prefix {
	var all []netip.Prefix
	for _, r := range ranges {
		if family.Has(r.Addr()) {
			all = append(all, r.Masked())
		}
	}
	slices.SortFunc(all, func(a, b netip.Prefix) int {
		return cmp.Or(cmp.Compare(a.Bits(), b.Bits()), a.Addr().Compare(b.Addr()))
	})
	var some []netip.Prefix
	for _, r := range all {
		if !slices.ContainsFunc(some, r.Overlaps) {
			some = append(some, r)
		}
	}
	return some
}

// affinity is how long a client is remembered; 0 means not at all. Three hours is the API's default.
func affinity(service *corev1.Service) time.Duration {
	if service.Spec.SessionAffinity != corev1.ServiceAffinityClientIP {
		return 0
	}
	seconds := corev1.DefaultClientIPServiceAffinitySeconds
	if c := service.Spec.SessionAffinityConfig; c != nil && c.ClientIP != nil && c.ClientIP.TimeoutSeconds != nil {
		seconds = *c.ClientIP.TimeoutSeconds
	}
	return time.Duration(seconds) * time.Second
}

// addresses are those of a family among these, each once.
func addresses(family ipfamily.Family, texts []string) []netip.Addr {
	var all []netip.Addr
	for _, text := range texts {
		if address := family.Address(text); address.IsValid() {
			all = append(all, address)
		}
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all)
}
