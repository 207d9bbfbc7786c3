package traffic

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/network/ipfamily"
	"github.com/orrery-dev/orrery/network/policy"
)

func (e *explanation) packetTo(to netip.AddrPort) policy.Packet {
	return policy.Packet{From: e.source.towards(to.Addr()), To: to.Addr(), Protocol: e.Protocol, Port: to.Port()}
}

// toAddress follows an address: one of a Service, a port of a node, or that of somebody.
func (e *explanation) toAddress(address netip.Addr) error {
	e.family = ipfamily.Of(address)
	for _, service := range e.Services {
		switch {
		case slices.Contains(parse(service.Spec.ClusterIPs), address):
			e.say("service", "%s is the cluster IP of Service %s/%s", address, service.Namespace, service.Name)
			return e.toPort(service, inside)
		case slices.Contains(outerAddresses(service), address):
			e.say("service", "%s is an external address of Service %s/%s", address, service.Namespace, service.Name)
			e.arrival = e.arrivesAt(nil)
			if e.barred(service, address) {
				return nil
			}
			return e.toPort(service, outside)
		}
	}
	number, err := portNumber(e.Port)
	if err != nil {
		return err
	}
	if node := e.nodeAt(address); node != nil {
		for _, service := range e.Services {
			if port := find(pointers(service.Spec.Ports), func(p *corev1.ServicePort) bool { return p.NodePort == int32(number) && protocolOf(p) == e.Protocol }); port != nil {
				e.say("service", "port %d of node %s is the node port of Service %s/%s", number, node.Name, service.Namespace, service.Name)
				e.arrival = e.arrivesAt(node)
				return e.toEndpoints(service, port, outside)
			}
		}
	}
	e.end(netip.AddrPortFrom(address, number))
	return nil
}

// barred says that a load balancer's address does not take the source's packets.
func (e *explanation) barred(service *corev1.Service, address netip.Addr) bool {
	ranges := service.Spec.LoadBalancerSourceRanges
	balanced := slices.ContainsFunc(service.Status.LoadBalancer.Ingress, func(i corev1.LoadBalancerIngress) bool { return i.IP == address.String() })
	if !balanced || len(ranges) == 0 || slices.ContainsFunc(ranges, func(text string) bool {
		prefix, err := netip.ParsePrefix(strings.TrimSpace(text))
		return err == nil && prefix.Contains(e.source.towards(address))
	}) {
		return false
	}
	e.give(Dropped, "It is dropped: %s is in none of the loadBalancerSourceRanges of Service %s/%s: %s.", e.source.towards(address), service.Namespace, service.Name, strings.Join(ranges, ", "))
	return true
}

// arrivesAt is the node whose rules translate a connection to a Service's outer address: the one that has the address, that of the
// source, or for somebody outside any that is ready.
func (e *explanation) arrivesAt(node *corev1.Node) *corev1.Node {
	switch {
	case e.source.node != nil:
		return e.source.node
	case node != nil:
		return node
	}
	ready := find(e.Nodes, func(n *corev1.Node) bool {
		condition := readiness(n)
		return condition != nil && condition.Status == corev1.ConditionTrue
	})
	if ready != nil {
		e.say("route", "taken as if it arrived at node %s", ready.Name)
	}
	return ready
}

// outerAddresses are those by which a Service is reached from outside.
func outerAddresses(s *corev1.Service) []netip.Addr {
	texts := slices.Clone(s.Spec.ExternalIPs)
	for _, ingress := range s.Status.LoadBalancer.Ingress {
		texts = append(texts, ingress.IP)
	}
	return parse(texts)
}

// toService follows a Service, or with a host name one endpoint of it, as its name does.
func (e *explanation) toService(service *corev1.Service, host string) error {
	switch {
	case service.Spec.Type == corev1.ServiceTypeExternalName:
		e.say("name", "Service %s/%s is another name for %s", service.Namespace, service.Name, service.Spec.ExternalName)
		if e.source.pod == nil || !strings.HasSuffix(service.Spec.ExternalName, "."+e.Domain) {
			return e.abroad(service.Spec.ExternalName)
		}
		if other, host := e.record(service.Spec.ExternalName); other != nil && other != service {
			return e.toService(other, host)
		}
		e.give(Unresolved, "The name %s leads nowhere: there is no such Service.", service.Spec.ExternalName)
		return nil
	case headless(service):
		return e.toPods(service, host)
	default:
		e.say("service", "Service %s/%s has the cluster IP %s", service.Namespace, service.Name, service.Spec.ClusterIP)
		e.ofBoth(service)
		return e.toPort(service, inside)
	}
}

// toPods follows a Service without an address: its name is those of its pods, and the port is theirs.
func (e *explanation) toPods(service *corev1.Service, host string) error {
	number, err := portNumber(e.Port)
	if err != nil {
		return fmt.Errorf("Service %s/%s is headless, so the port has to be that of its pods: %w", service.Namespace, service.Name, err)
	}
	e.say("service", "Service %s/%s is headless: its name leads to the addresses of its pods, at whichever port is asked for", service.Namespace, service.Name)
	e.ofBoth(service)
	found, all := false, e.candidates(service, nil)
	for _, endpoint := range all {
		switch {
		case host != "" && endpoint.Hostname != host:
		case endpoint.Ready || service.Spec.PublishNotReadyAddresses:
			found = true
			e.end(netip.AddrPortFrom(endpoint.Address.Addr(), number))
		default:
			e.answer.Unused = append(e.answer.Unused, e.passedOver(endpoint, ""))
		}
	}
	if !found {
		e.give(Unresolved, "The name leads to no address: %s.", e.whyNone(service, nil))
	}
	return nil
}

// ofBoth says of a Service with both IP families which of them the answer is about.
func (e *explanation) ofBoth(service *corev1.Service) {
	if len(service.Spec.IPFamilies) > 1 {
		e.say("service", "its name leads to addresses of both IP families; this is about %s", service.Spec.IPFamilies[0])
	}
}

// toPort finds the port of a Service that is asked for.
func (e *explanation) toPort(service *corev1.Service, way way) error {
	ports := pointers(service.Spec.Ports)
	var listed []string
	for _, p := range ports {
		listed = append(listed, describe(p))
	}
	if e.Port == "" && len(ports) == 1 {
		return e.toEndpoints(service, ports[0], way)
	}
	if e.Port == "" {
		return fmt.Errorf("Service %s/%s has several ports: say which, as in %s:%d; they are %s",
			service.Namespace, service.Name, e.To, service.Spec.Ports[0].Port, strings.Join(listed, ", "))
	}
	port := find(ports, func(p *corev1.ServicePort) bool {
		return protocolOf(p) == e.Protocol && (p.Name == e.Port || strconv.Itoa(int(p.Port)) == e.Port)
	})
	if port == nil {
		e.say("service", "its ports are %s", strings.Join(listed, ", "))
		e.give(Dropped, "Nobody answers: Service %s/%s has no port %s/%s.", service.Namespace, service.Name, e.Port, e.Protocol)
		return nil
	}
	return e.toEndpoints(service, port, way)
}

// describe is a port in words, as in "80/TCP (http)".
func describe(p *corev1.ServicePort) string {
	text := fmt.Sprintf("%d/%s", p.Port, protocolOf(p))
	if p.Name != "" {
		text += " (" + p.Name + ")"
	}
	return text
}

func protocolOf(p *corev1.ServicePort) corev1.Protocol {
	if p.Protocol == "" {
		return corev1.ProtocolTCP
	}
	return p.Protocol
}

func pointers[T any](all []T) []*T {
	some := make([]*T, len(all))
	for i := range all {
		some[i] = &all[i]
	}
	return some
}
