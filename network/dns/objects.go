package dns

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// The names of what users know DNS by, as kubeadm has them.
const (
	serviceName   = "kube-dns"
	configMapName = "coredns"
	corefileKey   = "Corefile"
)

// managedBy is whose our EndpointSlices are.
const managedBy = "dns.orrery.dev"

// configMap is the one that users write the Corefile into.
func configMap(corefile string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceSystem, Name: configMapName},
		Data:       map[string]string{corefileKey: corefile},
	}
}

// service is the one at whose address DNS is reached. It has no selector: what it leads to are our endpoints, and no pods.
func service(ip string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: metav1.NamespaceSystem,
			Name:      serviceName,
			Labels: map[string]string{
				"k8s-app": serviceName, "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS",
			},
			Annotations: map[string]string{"prometheus.io/port": "9153", "prometheus.io/scrape": "true"},
		},
		Spec: corev1.ServiceSpec{
			ClusterIP: ip,
			Ports: []corev1.ServicePort{
				{Name: "dns", Port: 53, Protocol: corev1.ProtocolUDP, TargetPort: intstr.FromInt32(53)},
				{Name: "dns-tcp", Port: 53, Protocol: corev1.ProtocolTCP, TargetPort: intstr.FromInt32(53)},
				{Name: "metrics", Port: metricsPort, Protocol: corev1.ProtocolTCP, TargetPort: intstr.FromInt32(metricsPort)},
			},
		},
	}
}

// endpointSlice is the endpoint of a node.
func endpointSlice(o Options, port int) *discoveryv1.EndpointSlice {
	kind := discoveryv1.AddressTypeIPv4
	if o.Listen.Is6() {
		kind = discoveryv1.AddressTypeIPv6
	}
	named := func(name string, protocol corev1.Protocol, port int) discoveryv1.EndpointPort {
		return discoveryv1.EndpointPort{Name: &name, Protocol: &protocol, Port: new(int32(port))}
	}
	return &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: metav1.NamespaceSystem,
			Name:      sliceName(o.NodeName),
			Labels:    map[string]string{discoveryv1.LabelServiceName: serviceName, discoveryv1.LabelManagedBy: managedBy},
		},
		AddressType: kind,
		Endpoints: []discoveryv1.Endpoint{{
			Addresses:  []string{o.Listen.String()},
			NodeName:   &o.NodeName,
			Conditions: discoveryv1.EndpointConditions{Ready: new(true), Serving: new(true), Terminating: new(false)},
		}},
		Ports: []discoveryv1.EndpointPort{
			named("dns", corev1.ProtocolUDP, port), named("dns-tcp", corev1.ProtocolTCP, port), named("metrics", corev1.ProtocolTCP, metricsPort),
		},
	}
}

func sliceName(node string) string { return serviceName + "-" + node }

// elsewhere says that somebody else answers at the Service, and who, or nothing.
func elsewhere(s *corev1.Service, ip string) string {
	switch {
	case len(s.Spec.Selector) > 0:
		return "Service kube-system/kube-dns has a selector: pods answer"
	case s.Spec.ClusterIP != ip:
		return "Service kube-system/kube-dns has the address " + s.Spec.ClusterIP + ", and pods ask " + ip
	}
	return ""
}
