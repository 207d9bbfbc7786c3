package traffic

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/orrery-dev/orrery/network/endpoints"
	"github.com/orrery-dev/orrery/network/ipfamily"
)

// way is by which of its addresses a Service is reached.
type way string

const (
	inside  way = "its cluster IP"
	outside way = "an address for those outside"
)

// toEndpoints follows a port of a Service to each endpoint that it may lead to.
func (e *explanation) toEndpoints(service *corev1.Service, port *corev1.ServicePort, by way) error {
	all := e.candidates(service, port)
	if len(endpoints.Usable(all)) == 0 {
		e.give(Refused, "It is refused: Service %s/%s has no endpoint for port %s that is ready: %s.", service.Namespace, service.Name, describe(port), e.whyNone(service, port))
		e.unused(all, nil, "")
		return nil
	}
	meant, why := e.meant(all, service, by)
	used := endpoints.Usable(meant)
	e.say("service", "port %s leads to %d of %d endpoints", describe(port), len(used), len(all))
	if service.Spec.SessionAffinity == corev1.ServiceAffinityClientIP {
		e.say("service", "a client that was here lately is sent to the endpoint that it had")
	}
	e.unused(all, used, why)
	e.hidden = by == outside && e.arrival != nil && service.Spec.ExternalTrafficPolicy != corev1.ServiceExternalTrafficPolicyLocal
	for _, endpoint := range used {
		e.end(endpoint.Address)
	}
	if len(used) == 0 {
		e.give(Dropped, "It is dropped: Service %s/%s has %d endpoints, and none that is ready on the node that its traffic policy allows.", service.Namespace, service.Name, len(all))
	}
	return nil
}

// meant are those endpoints that traffic from the source may be sent to, and why to no others.
func (e *explanation) meant(all []endpoints.Endpoint, service *corev1.Service, by way) (some []endpoints.Endpoint, why string) {
	if node := e.only(service, by); node != "" {
		e.say("service", "its traffic policy is Local: only endpoints of node %s are used", node)
		return slices.DeleteFunc(slices.Clone(all), func(c endpoints.Endpoint) bool { return c.Node != node }), "it is on another node"
	}
	at := e.source.node
	if by == outside {
		at = e.arrival
	}
	if at == nil {
		return all, ""
	}
	here := endpoints.Place{Node: at.Name, Zone: at.Labels[corev1.LabelTopologyZone]}
	some = endpoints.Near(all, here)
	if len(some) < len(all) {
		e.say("service", "its endpoints say whose traffic they are best for: only those for node %s or its zone are used", at.Name)
	}
	return some, "it is best for traffic from elsewhere"
}

// only is the node whose endpoints alone a traffic policy allows; empty if all are.
func (e *explanation) only(service *corev1.Service, by way) string {
	policy, node := service.Spec.InternalTrafficPolicy, e.source.node
	switch {
	case by == inside && policy != nil && *policy == corev1.ServiceInternalTrafficPolicyLocal && node != nil:
		return node.Name
	case by == outside && service.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal && node == nil && e.arrival != nil:
		return e.arrival.Name // who is inside reaches all endpoints
	}
	return ""
}

// unused tells of the endpoints that are not used; why is the reason of those that could be.
func (e *explanation) unused(all, used []endpoints.Endpoint, why string) {
	for _, endpoint := range all {
		if !slices.ContainsFunc(used, func(u endpoints.Endpoint) bool { return u.Address == endpoint.Address }) {
			e.answer.Unused = append(e.answer.Unused, e.passedOver(endpoint, why))
		}
	}
}

// what says where an endpoint is, and which pod that is.
func (e *explanation) what(endpoint endpoints.Endpoint) string {
	what := endpoint.Address.String()
	if endpoint.Address.Port() == 0 {
		what = endpoint.Address.Addr().String()
	}
	if pod := e.podAt(endpoint.Address.Addr()); pod != nil {
		what += fmt.Sprintf(", pod %s/%s on node %s", pod.Namespace, pod.Name, pod.Spec.NodeName)
	}
	return what
}

// passedOver says of an endpoint why it is not used. why is the reason if it is ready.
func (e *explanation) passedOver(endpoint endpoints.Endpoint, why string) string {
	switch {
	case endpoint.Ready:
		return e.what(endpoint) + ": " + why
	case endpoint.Serving:
		return e.what(endpoint) + ": it terminates, and others are ready"
	default:
		return e.what(endpoint) + ": it is not ready"
	}
}

// candidates are the endpoints of a Service's port, or with no port those of all its pods.
func (e *explanation) candidates(service *corev1.Service, port *corev1.ServicePort) []endpoints.Endpoint {
	var slicesOf []*discoveryv1.EndpointSlice
	for _, slice := range e.Slices {
		if slice.Namespace == service.Namespace && slice.Labels[discoveryv1.LabelServiceName] == service.Name {
			slicesOf = append(slicesOf, slice)
		}
	}
	family := ipfamily.IPv4
	switch {
	case e.family != "":
		family = e.family
	case len(service.Spec.IPFamilies) > 0:
		family = ipfamily.Family(service.Spec.IPFamilies[0])
	}
	return endpoints.Of(slicesOf, port, family.AddressType())
}

// whyNone says why a Service has no endpoint that is ready.
func (e *explanation) whyNone(service *corev1.Service, port *corev1.ServicePort) string {
	if len(service.Spec.Selector) == 0 {
		return "it has no selector, and nobody has given it an EndpointSlice with one"
	}
	selector := labels.SelectorFromSet(service.Spec.Selector)
	var not []string
	for _, pod := range e.Pods {
		if pod.Namespace == service.Namespace && selector.Matches(labels.Set(pod.Labels)) && !ended(pod) {
			not = append(not, pod.Name+" "+state(pod))
		}
	}
	slices.Sort(not)
	switch {
	case len(not) == 0:
		return fmt.Sprintf("no pod of namespace %s that has not ended has the labels %s", service.Namespace, selector)
	case port != nil && slices.ContainsFunc(e.candidates(service, nil), func(c endpoints.Endpoint) bool { return c.Ready }):
		return fmt.Sprintf("none of its pods has a container port that is called %s", port.TargetPort.String())
	case len(not) > 5:
		not = append(not[:5], fmt.Sprintf("and %d more", len(not)-5))
	}
	return "of the pods that it selects, " + strings.Join(not, ", ")
}

// state says in what way a pod is not ready.
func state(pod *corev1.Pod) string {
	for _, condition := range pod.Status.Conditions {
		if condition.Type != corev1.PodReady || condition.Status == corev1.ConditionTrue || pod.Status.Phase != corev1.PodRunning {
			continue
		}
		if condition.Message != "" {
			return "is not ready (" + condition.Message + ")"
		}
		return "is not ready"
	}
	if pod.DeletionTimestamp != nil {
		return "terminates"
	}
	if pod.Status.Phase == corev1.PodRunning {
		return "is ready, and its EndpointSlice does not say so yet"
	}
	return "is " + string(pod.Status.Phase)
}
