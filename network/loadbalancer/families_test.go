package loadbalancer

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// of has a Service want some families.
func of(policy corev1.IPFamilyPolicy, families ...corev1.IPFamily) func(*corev1.Service) {
	return func(s *corev1.Service) { s.Spec.IPFamilyPolicy, s.Spec.IPFamilies = &policy, families }
}

func TestAServiceGetsAnAddressOfEachOfItsFamilies(t *testing.T) {
	const four, six = corev1.IPv4Protocol, corev1.IPv6Protocol
	both := of(corev1.IPFamilyPolicyRequireDualStack, four, six)
	for _, c := range []struct {
		name, pool string
		service    *corev1.Service
		others     []*corev1.Service
		want       string // the addresses, or a part of the error
	}{
		{"one of IPv4 where nobody says", "192.0.2.0/29,fd00::/125", web(), nil, "192.0.2.1"},
		{"one of IPv6", "192.0.2.0/29,fd00::/125", web(of(corev1.IPFamilyPolicySingleStack, six)), nil, "fd00::1"},
		{"both, in its order", "192.0.2.0/29,fd00::/125", web(of(corev1.IPFamilyPolicyRequireDualStack, six, four)), nil, "fd00::1 192.0.2.1"},
		{"those that others do not have", "192.0.2.0/29,fd00::/125", web(both), []*corev1.Service{other("a", "fd00::1"), other("b", "192.0.2.1")}, "192.0.2.2 fd00::2"},
		{"those that it has", "192.0.2.0/29,fd00::/125", web(both, func(s *corev1.Service) {
			s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "192.0.2.3"}, {IP: "fd00::3"}}
		}), nil, "192.0.2.3 fd00::3"},
		{"those that it asks for", "192.0.2.0/29,fd00::/125", web(both, annotated("metallb.io/loadBalancerIPs", "fd00::5,192.0.2.5")), nil, "192.0.2.5 fd00::5"},
		{"none where it asks for one of a family that it does not have", "192.0.2.0/29,fd00::/125", web(asks("fd00::5")), nil, "which is not of the pool"},
		{"none where it requires both and the pool has one", "192.0.2.0/29", web(both), nil, "no address of the pool 192.0.2.0/29 is free"},
		{"one where it prefers both and the pool has one", "192.0.2.0/29", web(of(corev1.IPFamilyPolicyPreferDualStack, four, six)), nil, "192.0.2.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			pool, err := ParsePool(c.pool)
			if err != nil {
				t.Fatal(err)
			}
			balancer := New(pool).For(reading(t, append(c.others, c.service)...))
			status, err := balancer.EnsureLoadBalancer(t.Context(), "kubernetes", c.service, nil)
			if err != nil {
				if !strings.Contains(err.Error(), c.want) {
					t.Errorf("the error is %v, want %q in it", err, c.want)
				}
				return
			}
			var got []string
			for _, ingress := range status.Ingress {
				got = append(got, ingress.IP)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("it gets %v, want %s", got, c.want)
			}
		})
	}
}
