package endpoints

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/controllers/internal/servicepods"
	"github.com/orrery-dev/orrery/controllers/internal/subsets"
	corev1 "k8s.io/api/core/v1"
	netutil "k8s.io/utils/net"
)

// behind is what is behind a Service, however many addresses that makes.
func behind(service *ocorev1.Service, pods []ocorev1.Pod) []corev1.EndpointSubset {
	var all []corev1.EndpointSubset
	for i := range pods {
		all = append(all, subsetsOf(service, &pods[i])...)
	}
	return subsets.Pack(all)
}

// subsetsOf are a pod alone: a subset for each port that it has.
func subsetsOf(service *ocorev1.Service, pod *ocorev1.Pod) []corev1.EndpointSubset {
	if replicas.Ended(pod) || pod.DeletionTimestamp != nil && !service.Spec.PublishNotReadyAddresses {
		return nil
	}
	address, ok := addressOf(service, pod)
	if !ok {
		return nil
	}
	var alone corev1.EndpointSubset
	if service.Spec.PublishNotReadyAddresses || replicas.Ready(pod) {
		alone.Addresses = []corev1.EndpointAddress{address}
	} else {
		alone.NotReadyAddresses = []corev1.EndpointAddress{address}
	}
	if len(service.Spec.Ports) == 0 && service.Spec.ClusterIP == corev1.ClusterIPNone {
		return []corev1.EndpointSubset{alone}
	}
	var all []corev1.EndpointSubset
	for _, port := range service.Spec.Ports {
		if number, ok := servicepods.Port(pod, port); ok {
			by := alone
			by.Ports = []corev1.EndpointPort{{Name: port.Name, Port: number, Protocol: port.Protocol, AppProtocol: port.AppProtocol}}
			all = append(all, by)
		}
	}
	return all
}

// addressOf is a pod's address of the Service's first family; false means that it has none.
func addressOf(service *ocorev1.Service, pod *ocorev1.Pod) (corev1.EndpointAddress, bool) {
	ips := servicepods.Addresses(pod, family(service, pod))
	if len(ips) == 0 {
		return corev1.EndpointAddress{}, false
	}
	address := corev1.EndpointAddress{
		IP:        ips[0],
		Hostname:  servicepods.Hostname(service, pod),
		TargetRef: &corev1.ObjectReference{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID},
	}
	if pod.Spec.NodeName != "" {
		address.NodeName = &pod.Spec.NodeName
	}
	return address, true
}

// family is the first one of a Service. One that was not defaulted has that of its cluster IP or, without one, of the pod.
func family(service *ocorev1.Service, pod *ocorev1.Pod) corev1.IPFamily {
	ip := service.Spec.ClusterIP
	if servicepods.Headless(service) {
		ip = pod.Status.PodIP
	}
	switch {
	case len(service.Spec.IPFamilies) > 0:
		return service.Spec.IPFamilies[0]
	case netutil.IsIPv6String(ip):
		return corev1.IPv6Protocol
	default:
		return corev1.IPv4Protocol
	}
}
