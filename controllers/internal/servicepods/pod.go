package servicepods

import (
	"slices"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	netutil "k8s.io/utils/net"
	"k8s.io/utils/ptr"
)

// Addresses are a pod's of one family, in their usual form.
func Addresses(pod *ocorev1.Pod, family corev1.IPFamily) []string {
	var all []string
	for _, address := range pod.Status.PodIPs {
		ip := netutil.ParseIPSloppy(address.IP)
		if ip != nil && netutil.IsIPv6(ip) == (family == corev1.IPv6Protocol) {
			all = append(all, ip.String())
		}
	}
	return all
}

// Hostname is the name that a pod has in the domain of a Service; empty if it has none there.
func Hostname(service *ocorev1.Service, pod *ocorev1.Pod) string {
	if pod.Spec.Subdomain != service.Name {
		return ""
	}
	return pod.Spec.Hostname
}

// Port is the number that a Service's port has in a pod: a number is itself, a name is that of a port of any container or
// sidecar. False means that the pod does not know the name.
func Port(pod *ocorev1.Pod, port corev1.ServicePort) (int32, bool) {
	if port.TargetPort.Type == intstr.Int {
		return port.TargetPort.IntVal, true
	}
	for _, c := range serving(pod) {
		for _, p := range c.Ports {
			if p.Name == port.TargetPort.StrVal && p.Protocol == port.Protocol {
				return p.ContainerPort, true
			}
		}
	}
	return 0, false
}

// serving are the containers that run as long as their pod does.
func serving(pod *ocorev1.Pod) []corev1.Container {
	all := slices.Clone(pod.Spec.Containers)
	for _, c := range pod.Spec.InitContainers {
		if ptr.Deref(c.RestartPolicy, "") == corev1.ContainerRestartPolicyAlways {
			all = append(all, c)
		}
	}
	return all
}
