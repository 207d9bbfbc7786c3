package rights_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/internal/await"
)

// A session that touches everything that our components do; the audit log tells whether any of it was refused, and which of
// their rights they did not use.
// mirrored has Endpoints that somebody made, of a Service that gets a selector later, and goes.
func (s *session) mirrored(t *testing.T) {
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "outside"},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	}
	endpoints := &corev1.Endpoints{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "outside"},
		Subsets:    subsetOf("192.0.2.1"),
	}
	s.create(t, service, endpoints)
	s.lists(t, service, "192.0.2.1")
	s.change(t, endpoints, func() { endpoints.Subsets = subsetOf("192.0.2.2") })
	s.lists(t, service, "192.0.2.2")
	s.change(t, service, func() { service.Spec.Selector = map[string]string{"app": "nothing"} })
	s.lists(t, service, "")
	s.remove(t, service)
	s.gone(t, endpoints)
}

func subsetOf(ip string) []corev1.EndpointSubset {
	return []corev1.EndpointSubset{{Addresses: []corev1.EndpointAddress{{IP: ip}}, Ports: []corev1.EndpointPort{{Port: 80}}}}
}

// lists waits until the slices of a Service list an address alone, or none where it is empty.
func (s *session) lists(t *testing.T, service *corev1.Service, address string) {
	t.Helper()
	await.Until(t, "slices that list "+address, func() (string, bool) {
		var found discoveryv1.EndpointSliceList
		err := s.List(t.Context(), &found, client.InNamespace(service.Namespace), client.MatchingLabels{discoveryv1.LabelServiceName: service.Name})
		listed := ""
		for _, slice := range found.Items {
			for _, e := range slice.Endpoints {
				listed += e.Addresses[0]
			}
		}
		return fmt.Sprint(found.Items, err), err == nil && listed == address
	})
}
