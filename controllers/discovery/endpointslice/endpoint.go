package endpointslice

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/controllers/internal/servicepods"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	netutil "k8s.io/utils/net"
	"k8s.io/utils/ptr"
)

// family is a Service's IP family, as slices name it.
type family = discoveryv1.AddressType

// families are those of a Service. One that was not defaulted has that of its cluster IP or, without one, both.
func families(service *ocorev1.Service) []family {
	var all []family
	for _, f := range service.Spec.IPFamilies {
		all = append(all, family(f))
	}
	switch ip := service.Spec.ClusterIP; {
	case len(all) > 0:
		return all
	case servicepods.Headless(service):
		return []family{discoveryv1.AddressTypeIPv4, discoveryv1.AddressTypeIPv6}
	case netutil.IsIPv6String(ip):
		return []family{discoveryv1.AddressTypeIPv6}
	default:
		return []family{discoveryv1.AddressTypeIPv4}
	}
}

// endpoint is a pod of a Service as slices of a family list it; false means that they do not.
func (w *world) endpoint(service *ocorev1.Service, pod *ocorev1.Pod, f family) (discoveryv1.Endpoint, bool) {
	node := w.nodes[pod.Spec.NodeName]
	addresses := servicepods.Addresses(pod, corev1.IPFamily(f))
	if replicas.Ended(pod) || len(addresses) == 0 || node == nil && !service.Spec.PublishNotReadyAddresses {
		return discoveryv1.Endpoint{}, false
	}
	serving, terminating := replicas.Ready(pod), pod.DeletionTimestamp != nil
	ready := service.Spec.PublishNotReadyAddresses || serving && !terminating
	e := discoveryv1.Endpoint{
		Addresses:  addresses,
		Conditions: discoveryv1.EndpointConditions{Ready: &ready, Serving: &serving, Terminating: &terminating},
		TargetRef:  &corev1.ObjectReference{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID},
	}
	if pod.Spec.NodeName != "" {
		e.NodeName = &pod.Spec.NodeName
	}
	if node != nil && node.Labels[corev1.LabelTopologyZone] != "" {
		e.Zone = ptr.To(node.Labels[corev1.LabelTopologyZone])
	}
	if hostname := servicepods.Hostname(service, pod); hostname != "" {
		e.Hostname = &hostname
	}
	if ready {
		e.Hints = hints(service, e)
	}
	return e, true
}

// hints say whose traffic an endpoint is best for, where the Service wants traffic to stay close.
func hints(service *ocorev1.Service, e discoveryv1.Endpoint) *discoveryv1.EndpointHints {
	var h discoveryv1.EndpointHints
	switch ptr.Deref(service.Spec.TrafficDistribution, "") {
	case corev1.ServiceTrafficDistributionPreferSameNode:
		if e.NodeName != nil {
			h.ForNodes = []discoveryv1.ForNode{{Name: *e.NodeName}}
		}
	case corev1.ServiceTrafficDistributionPreferClose, corev1.ServiceTrafficDistributionPreferSameZone:
	default:
		return nil
	}
	if e.Zone != nil {
		h.ForZones = []discoveryv1.ForZone{{Name: *e.Zone}}
	}
	if h.ForNodes == nil && h.ForZones == nil {
		return nil
	}
	return &h
}

// ports are the Service's, with the numbers that they have in a pod. A name that the pod does not know is left out.
func ports(service *ocorev1.Service, pod *ocorev1.Pod) []discoveryv1.EndpointPort {
	found := []discoveryv1.EndpointPort{}
	for _, port := range service.Spec.Ports {
		if number, ok := servicepods.Port(pod, port); ok {
			found = append(found, discoveryv1.EndpointPort{
				Name: &port.Name, Port: &number, Protocol: &port.Protocol, AppProtocol: port.AppProtocol,
			})
		}
	}
	return found
}
