package loadbalancer

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/network/ipfamily"
)

// noon is when the Service web was created; others were an hour before, unless they say otherwise.
var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// web is the Service that wants an address.
func web(options ...func(*corev1.Service)) *corev1.Service { return serviceOf("web", noon, options) }

// other is a Service that has an address.
func other(name, has string, options ...func(*corev1.Service)) *corev1.Service {
	return serviceOf(name, noon.Add(-time.Hour), append([]func(*corev1.Service){having(has)}, options...))
}

func serviceOf(name string, created time.Time, options []func(*corev1.Service)) *corev1.Service {
	s := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: name, UID: types.UID(name), CreationTimestamp: metav1.NewTime(created), Annotations: map[string]string{},
		},
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeLoadBalancer, Selector: map[string]string{"app": name},
			Ports: []corev1.ServicePort{{Protocol: corev1.ProtocolTCP, Port: 80}},
		},
	}
	for _, option := range options {
		option(s)
	}
	return s
}

func having(ip string) func(*corev1.Service) {
	return func(s *corev1.Service) { s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: ip}} }
}

func asks(ip string) func(*corev1.Service) {
	return func(s *corev1.Service) { s.Spec.LoadBalancerIP = ip }
}

func annotated(name, value string) func(*corev1.Service) {
	return func(s *corev1.Service) { s.Annotations[name] = value }
}

func onPort(number int32) func(*corev1.Service) {
	return func(s *corev1.Service) { s.Spec.Ports[0].Port = number }
}

func overUDP(s *corev1.Service) { s.Spec.Ports[0].Protocol = corev1.ProtocolUDP }

func local(app string) func(*corev1.Service) {
	return func(s *corev1.Service) {
		s.Spec.ExternalTrafficPolicy, s.Spec.Selector = corev1.ServiceExternalTrafficPolicyLocal, map[string]string{"app": app}
	}
}

func created(at time.Time) func(*corev1.Service) {
	return func(s *corev1.Service) { s.CreationTimestamp = metav1.NewTime(at) }
}

func TestChoose(t *testing.T) {
	shared := annotated("metallb.io/allow-shared-ip", "one")
	for _, c := range []struct {
		name    string
		service *corev1.Service
		others  []*corev1.Service
		want    string // the address, or a part of the error
	}{
		{"gives the first that is free", web(), []*corev1.Service{other("a", "192.0.2.1"), other("b", "192.0.2.3")}, "192.0.2.2"},
		{"leaves a Service the one that it has", web(having("192.0.2.3")), []*corev1.Service{other("a", "192.0.2.1")}, "192.0.2.3"},
		{"gives another for one that is not of the pool any more", web(having("198.51.100.1")), nil, "192.0.2.1"},
		{"has the younger of two make way", web(having("192.0.2.1")), []*corev1.Service{other("a", "192.0.2.1")}, "192.0.2.2"},
		{"has the older of two stay", web(having("192.0.2.1")), []*corev1.Service{other("a", "192.0.2.1", created(noon.Add(time.Hour)))}, "192.0.2.1"},
		{"says that none is free", web(), []*corev1.Service{other("a", "192.0.2.1"), other("b", "192.0.2.2"), other("c", "192.0.2.3")}, "no address of the pool 192.0.2.1-192.0.2.3 is free: all 3 have been given to Services"},

		{"gives the one that is asked for", web(asks("192.0.2.3")), nil, "192.0.2.3"},
		{"gives it in the place of another", web(having("192.0.2.1"), asks("192.0.2.3")), nil, "192.0.2.3"},
		{"gives the one that MetalLB's annotation asks for", web(annotated("metallb.io/loadBalancerIPs", "192.0.2.3")), nil, "192.0.2.3"},
		{"gives the one that MetalLB's old annotation asks for", web(annotated("metallb.universe.tf/loadBalancerIPs", "192.0.2.3")), nil, "192.0.2.3"},
		{"gives the one that kube-vip's annotation asks for", web(annotated("kube-vip.io/loadbalancerIPs", "192.0.2.3")), nil, "192.0.2.3"},
		{"takes the same wish twice for one", web(asks("192.0.2.3"), annotated("metallb.io/loadBalancerIPs", "192.0.2.3")), nil, "192.0.2.3"},
		{"refuses two wishes", web(asks("192.0.2.3"), annotated("metallb.io/loadBalancerIPs", "192.0.2.2")), nil, "it asks for the addresses 192.0.2.3, 192.0.2.2: want one of each IP family"},
		{"refuses what is not of the pool", web(asks("198.51.100.1")), nil, "it asks for the address 198.51.100.1, which is not of the pool 192.0.2.1-192.0.2.3"},
		{"refuses what is no address", web(asks("mine")), nil, "it asks for the address mine, which is not of the pool"},
		{"refuses what another has", web(asks("192.0.2.3")), []*corev1.Service{other("a", "192.0.2.3")}, "it asks for the address 192.0.2.3, which Service default/a has"},

		{"shares where both allow it", web(shared), []*corev1.Service{other("a", "192.0.2.2", shared, onPort(81))}, "192.0.2.2"},
		{"shares one port of two protocols", web(shared), []*corev1.Service{other("a", "192.0.2.2", shared, overUDP)}, "192.0.2.2"},
		{"shares the one that is asked for", web(shared, asks("192.0.2.2")), []*corev1.Service{other("a", "192.0.2.2", shared, onPort(81))}, "192.0.2.2"},
		{"does not share a port", web(shared), []*corev1.Service{other("a", "192.0.2.1", shared)}, "192.0.2.2"},
		{"does not share with another key", web(shared), []*corev1.Service{other("a", "192.0.2.1", annotated("metallb.io/allow-shared-ip", "two"), onPort(81))}, "192.0.2.2"},
		{"does not share with who allows nothing", web(shared), []*corev1.Service{other("a", "192.0.2.1", onPort(81))}, "192.0.2.2"},
		{"does not share with one of three that does not fit", web(shared), []*corev1.Service{other("a", "192.0.2.1", shared, onPort(81)), other("b", "192.0.2.1", shared)}, "192.0.2.2"},
		{"shares under Local where the pods are the same", web(shared, local("x")), []*corev1.Service{other("a", "192.0.2.2", shared, onPort(81), local("x"))}, "192.0.2.2"},
		{"does not share under Local where they are others", web(shared, local("x")), []*corev1.Service{other("a", "192.0.2.1", shared, onPort(81), local("y"))}, "192.0.2.2"},
		{"does not share between Local and Cluster", web(shared, local("x")), []*corev1.Service{other("a", "192.0.2.1", shared, onPort(81))}, "192.0.2.2"},
		{"moves away from who has come to use its port", web(shared, having("192.0.2.1")), []*corev1.Service{other("a", "192.0.2.1", shared)}, "192.0.2.2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			pool, err := ParsePool("192.0.2.1-192.0.2.3")
			if err != nil {
				t.Fatal(err)
			}
			claims := []claim{claimOf(ipfamily.IPv4, c.service, pool)} // as in a list of all
			for _, other := range c.others {
				claims = append(claims, claimOf(ipfamily.IPv4, other, pool))
			}
			ip, err := choose(pool, claims[0], claims)
			if _, isAddress := netip.ParseAddr(c.want); isAddress == nil {
				if err != nil || ip.String() != c.want {
					t.Errorf("the address is %s (%v), want %s", ip, err, c.want)
				}
			} else if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the address is %s, the error %v, want %q", ip, err, c.want)
			}
		})
	}
}
