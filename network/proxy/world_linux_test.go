package proxy

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/knftables"

	"github.com/orrery-dev/orrery/network/nft"
)

// family is that of the table.
const family = knftables.InetFamily

// worldOf is a node called here, whose cluster has the usual ranges.
func worldOf(objects ...any) World {
	w := World{Options: Options{
		Name:         "test",
		NodeName:     "here",
		ClusterCIDRs: []netip.Prefix{netip.MustParsePrefix("10.84.0.0/16")},
		ServiceCIDRs: []netip.Prefix{netip.MustParsePrefix("10.96.0.0/16")},
	}}
	for _, object := range objects {
		switch o := object.(type) {
		case *corev1.Service:
			w.Services = append(w.Services, o)
		case *discoveryv1.EndpointSlice:
			w.Slices = append(w.Slices, o)
		case *corev1.Node:
			w.Node = o
		}
	}
	return w
}

// tableFor is what a world wants.
func tableFor(w World) *nft.Table { return tableOf(w, ports(w)) }

// service is a Service web with cluster IP 10.96.0.10 and port 80, changed by the options.
func service(options ...func(*corev1.Service)) *corev1.Service {
	s := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"},
		Spec: corev1.ServiceSpec{
			Type:       corev1.ServiceTypeClusterIP,
			ClusterIP:  "10.96.0.10",
			ClusterIPs: []string{"10.96.0.10"},
			Ports:      []corev1.ServicePort{{Name: "http", Protocol: corev1.ProtocolTCP, Port: 80}},
		},
	}
	for _, option := range options {
		option(s)
	}
	return s
}

func nodePort(s *corev1.Service) {
	s.Spec.Type = corev1.ServiceTypeNodePort
	s.Spec.Ports[0].NodePort = 30080
}

// balanced gives a Service the address 10.84.254.1, for clients of some ranges only if there are any.
func balanced(ranges ...string) func(*corev1.Service) {
	return func(s *corev1.Service) {
		s.Spec.Type = corev1.ServiceTypeLoadBalancer
		s.Spec.LoadBalancerSourceRanges = ranges
		s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "10.84.254.1", IPMode: ptr.To(corev1.LoadBalancerIPModeVIP)}}
	}
}

func affine(s *corev1.Service) { s.Spec.SessionAffinity = corev1.ServiceAffinityClientIP }

func externalLocal(s *corev1.Service) {
	s.Spec.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicyLocal
}

func internalLocal(s *corev1.Service) {
	s.Spec.InternalTrafficPolicy = ptr.To(corev1.ServiceInternalTrafficPolicyLocal)
}

// slice holds endpoints of the Service web on port 8080.
func slice(endpoints ...discoveryv1.Endpoint) *discoveryv1.EndpointSlice {
	return &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: "default", Name: "web-x", Labels: map[string]string{discoveryv1.LabelServiceName: "web"}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: ptr.To("http"), Protocol: ptr.To(corev1.ProtocolTCP), Port: ptr.To[int32](8080)}},
		Endpoints:   endpoints,
	}
}

// at is a ready endpoint on a node.
func at(ip, node string) discoveryv1.Endpoint {
	return discoveryv1.Endpoint{Addresses: []string{ip}, NodeName: &node, Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(true)}}
}

// hinting is an endpoint that is best for the traffic of a node and a zone; empty means that it does not say.
func hinting(node, zone string, e discoveryv1.Endpoint) discoveryv1.Endpoint {
	e.Hints = &discoveryv1.EndpointHints{}
	if node != "" {
		e.Hints.ForNodes = []discoveryv1.ForNode{{Name: node}}
	}
	if zone != "" {
		e.Hints.ForZones = []discoveryv1.ForZone{{Name: zone}}
	}
	return e
}

// nodeIn is the node called here, in a zone.
func nodeIn(zone string) *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "here", Labels: map[string]string{corev1.LabelTopologyZone: zone}}}
}

// terminating is one that still serves.
func terminating(ip, node string) discoveryv1.Endpoint {
	e := at(ip, node)
	e.Conditions = discoveryv1.EndpointConditions{Ready: ptr.To(false), Serving: ptr.To(true), Terminating: ptr.To(true)}
	return e
}

// unready is one that does not serve.
func unready(ip, node string) discoveryv1.Endpoint {
	e := at(ip, node)
	e.Conditions = discoveryv1.EndpointConditions{Ready: ptr.To(false), Serving: ptr.To(false)}
	return e
}
