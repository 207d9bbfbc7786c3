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
)

// port is one port of one service with all that matters for its traffic. It is what a plan is made of.
type port struct {
	id       string // in chains and comments: "default/web/tcp/80"
	service  types.NamespacedName
	protocol string // "tcp", "udp" or "sctp"
	number   int32
	nodePort int32 // 0 means none

	clusterIPs, externalIPs []netip.Addr

	// cluster are the endpoints anywhere, local are those on this node.
	cluster, local []endpoint
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

// ports lists the ports of all services that have an address, in a stable order.
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
		for i := range service.Spec.Ports {
			all = append(all, newPort(service, &service.Spec.Ports[i], bySlice[name], w.NodeName))
		}
	}
	slices.SortFunc(all, func(a, b port) int { return cmp.Compare(a.id, b.id) })
	return all
}

func newPort(service *corev1.Service, spec *corev1.ServicePort, from []*discoveryv1.EndpointSlice, node string) port {
	p := port{
		service:       types.NamespacedName{Namespace: service.Namespace, Name: service.Name},
		protocol:      strings.ToLower(string(cmp.Or(spec.Protocol, corev1.ProtocolTCP))),
		number:        spec.Port,
		nodePort:      spec.NodePort,
		clusterIPs:    addresses(append(service.Spec.ClusterIPs, service.Spec.ClusterIP)),
		externalIPs:   addresses(service.Spec.ExternalIPs),
		internalLocal: service.Spec.InternalTrafficPolicy != nil && *service.Spec.InternalTrafficPolicy == corev1.ServiceInternalTrafficPolicyLocal,
		externalLocal: service.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal,
		affinity:      affinity(service),
	}
	p.id = fmt.Sprintf("%s/%s/%d", p.service, p.protocol, p.number)
	candidates := endpoints(from, spec, node)
	p.cluster = usable(candidates)
	p.terminating = !slices.ContainsFunc(candidates, func(c candidate) bool { return c.ready })
	p.local = usable(slices.DeleteFunc(candidates, func(c candidate) bool { return !c.here }))
	return p
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

// addresses are the IPv4 ones among these, each once.
func addresses(texts []string) []netip.Addr {
	var all []netip.Addr
	for _, text := range texts {
		if address, err := netip.ParseAddr(text); err == nil && address.Is4() {
			all = append(all, address)
		}
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all)
}

// candidate is an endpoint with what decides whether it is used.
type candidate struct {
	endpoint
	ready, serving bool
}

// endpoints are those of one service port, each address once. Where two slices tell different things of one, as happens while
// it moves from slice to slice, the better is believed.
func endpoints(from []*discoveryv1.EndpointSlice, spec *corev1.ServicePort, node string) []candidate {
	found := map[netip.AddrPort]candidate{}
	for _, slice := range from {
		number, ok := portOf(slice, spec)
		if slice.AddressType != discoveryv1.AddressTypeIPv4 || !ok {
			continue
		}
		for i := range slice.Endpoints {
			c, ok := newCandidate(&slice.Endpoints[i], number, node)
			if !ok {
				continue
			}
			other := found[c.address]
			c.ready, c.serving, c.here = c.ready || other.ready, c.serving || other.serving, c.here || other.here
			found[c.address] = c
		}
	}
	all := make([]candidate, 0, len(found))
	for _, c := range found {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b candidate) int { return a.address.Compare(b.address) })
	return all
}

// portOf finds a service port among a slice's ports: by its name, which is empty where there is only one, and its protocol.
func portOf(slice *discoveryv1.EndpointSlice, spec *corev1.ServicePort) (uint16, bool) {
	for _, p := range slice.Ports {
		name, protocol := "", corev1.ProtocolTCP
		if p.Name != nil {
			name = *p.Name
		}
		if p.Protocol != nil {
			protocol = *p.Protocol
		}
		if name == spec.Name && protocol == cmp.Or(spec.Protocol, corev1.ProtocolTCP) && p.Port != nil {
			return uint16(*p.Port), true
		}
	}
	return 0, false
}

// newCandidate reads an endpoint. All addresses of one endpoint reach the same pod, so the first is enough. Conditions that are
// nil have the meaning that the API gives them: ready, and serving where ready.
func newCandidate(e *discoveryv1.Endpoint, number uint16, node string) (candidate, bool) {
	if len(e.Addresses) == 0 {
		return candidate{}, false
	}
	address, err := netip.ParseAddr(e.Addresses[0])
	if err != nil || !address.Is4() {
		return candidate{}, false
	}
	ready := e.Conditions.Ready == nil || *e.Conditions.Ready
	serving := ready
	if e.Conditions.Serving != nil {
		serving = *e.Conditions.Serving
	}
	here := e.NodeName != nil && *e.NodeName == node
	return candidate{endpoint: endpoint{netip.AddrPortFrom(address, number), here}, ready: ready, serving: serving}, true
}

// usable are the ready endpoints, or, where none is, those that still serve while they terminate:
// https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#conditions
func usable(all []candidate) []endpoint {
	var ready, serving []endpoint
	for _, c := range all {
		switch {
		case c.ready:
			ready = append(ready, c.endpoint)
		case c.serving:
			serving = append(serving, c.endpoint)
		}
	}
	if len(ready) > 0 {
		return ready
	}
	return serving
}
