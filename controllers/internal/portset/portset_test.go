package portset_test

import (
	"testing"

	"github.com/orrery-dev/orrery/controllers/internal/portset"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/utils/ptr"
)

func TestKeysTellSetsOfPortsApart(t *testing.T) {
	port := func(name string, number int32, protocol corev1.Protocol, app *string) discoveryv1.EndpointPort {
		return discoveryv1.EndpointPort{Name: &name, Port: &number, Protocol: &protocol, AppProtocol: app}
	}
	a, b := port("a", 80, corev1.ProtocolTCP, nil), port("b", 81, corev1.ProtocolTCP, nil)
	if portset.Key([]discoveryv1.EndpointPort{a, b}) != portset.Key([]discoveryv1.EndpointPort{b, a}) {
		t.Error("the same ports in another order have another key")
	}
	for _, other := range [][]discoveryv1.EndpointPort{
		nil, {a, b}, {a, a}, {b},
		{port("b", 80, corev1.ProtocolTCP, nil)},
		{port("a", 81, corev1.ProtocolTCP, nil)},
		{port("a", 80, corev1.ProtocolUDP, nil)},
		{port("a", 80, corev1.ProtocolTCP, ptr.To(""))},
	} {
		if portset.Key(other) == portset.Key([]discoveryv1.EndpointPort{a}) {
			t.Errorf("%v have the key of %v", other, a)
		}
	}
}
