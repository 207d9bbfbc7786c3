package traffic

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// follow finds what the question is to, and where that leads.
func (e *explanation) follow() error {
	e.answer.To = e.To
	if e.Port != "" {
		e.answer.To += ":" + e.Port
	}
	e.answer.To += "/" + string(e.Protocol)
	if address, err := netip.ParseAddr(e.To); err == nil {
		return e.toAddress(address)
	}
	o, ok, err := e.named(e.To)
	if err != nil {
		return err
	}
	if !ok {
		return e.toName(e.To)
	}
	switch o.kind {
	case "pod":
		_, address, err := e.running(o)
		if err != nil {
			return err
		}
		return e.toAddress(address)
	case "node":
		node := e.node(o.name)
		if node == nil {
			return fmt.Errorf("there is no node %s", o.name)
		}
		addresses := internalAddresses(node)
		if len(addresses) == 0 {
			return fmt.Errorf("node %s has no address", o.name)
		}
		return e.toAddress(addresses[0])
	default:
		service := e.service(o.namespace, o.name)
		if service == nil {
			return fmt.Errorf("there is no Service %s in namespace %s", o.name, o.namespace)
		}
		return e.toService(service, "")
	}
}

// toName follows a name as a pod of the source's namespace would ask for it.
func (e *explanation) toName(name string) error {
	if e.source.pod != nil && e.source.pod.Spec.DNSPolicy == corev1.DNSDefault {
		e.say("name", "pod %s/%s has dnsPolicy Default, so it asks its node's resolvers, which know no name of the cluster", e.source.pod.Namespace, e.source.pod.Name)
		return e.abroad(name)
	}
	for _, full := range e.searched(name) {
		if service, host := e.record(full); service != nil {
			e.say("name", "%s is %s, that of Service %s/%s", name, full, service.Namespace, service.Name)
			return e.toService(service, host)
		}
	}
	if strings.Contains(name, ".") && !strings.HasSuffix(strings.TrimSuffix(name, "."), "."+e.Domain) {
		return e.abroad(name)
	}
	e.say("name", "no Service has the name: asked for %s", strings.Join(e.searched(name), ", "))
	e.give(Unresolved, "The name %s leads nowhere: there is no such Service.", name)
	return nil
}

// abroad ends with a name that is not the cluster's.
func (e *explanation) abroad(name string) error {
	e.say("name", "%s is no name of the cluster: the resolvers of the node answer, and the connection is to an address outside", name)
	end := End{What: name + ", outside of the cluster", Outcome: Leaves}
	if e.source.pod != nil && e.isolated() {
		end.Steps = []Step{{"egress", "NetworkPolicies isolate the pod: ask again with the address, to know whether one lets it out there"}}
	}
	e.answer.Ends = append(e.answer.Ends, end)
	return nil
}

// isolated says whether any policy is about what the source sends.
func (e *explanation) isolated() bool {
	return len(e.Out(e.packetTo(netip.AddrPort{})).Isolating) > 0
}

// searched are the names that a resolver asks for, in its order, with the search path and ndots of a pod.
func (e *explanation) searched(name string) []string {
	if absolute, ok := strings.CutSuffix(name, "."); ok {
		return []string{absolute}
	}
	namespace := e.Namespace
	if e.source.pod != nil {
		namespace = e.source.pod.Namespace
	}
	all := []string{name + "." + namespace + ".svc." + e.Domain, name + ".svc." + e.Domain, name + "." + e.Domain}
	if strings.Count(name, ".") >= 5 {
		return append([]string{name}, all...)
	}
	return append(all, name)
}

// record is the Service that a full name is of, and which of its endpoints by its host name, if any.
func (e *explanation) record(full string) (service *corev1.Service, host string) {
	inside, ok := strings.CutSuffix(full, ".svc."+e.Domain)
	if !ok {
		return nil, ""
	}
	parts := strings.Split(inside, ".")
	slices.Reverse(parts) // namespace, service, host
	switch len(parts) {
	case 2:
		return e.service(parts[0], parts[1]), ""
	case 3:
		if service := e.service(parts[0], parts[1]); service != nil && headless(service) {
			return service, parts[2]
		}
	}
	return nil, ""
}

func headless(s *corev1.Service) bool { return s.Spec.ClusterIP == corev1.ClusterIPNone }
