package rights_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/network/ingress"
	"github.com/orrery-dev/orrery/network/loadbalancer"
)

// balancers make load balancers of a pool that nobody is in.
var balancers = loadbalancer.New(loadbalancer.PoolOf(netip.MustParsePrefix("192.0.2.0/24")))

// runIngress serves Ingresses where nobody asks.
func runIngress(ctx context.Context, config *rest.Config) error {
	var listeners [2]net.Listener
	for i := range listeners {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		listeners[i] = listener
	}
	part, err := wiring.NewIngress(wiring.Cluster{Config: config, Naming: apis.Kubernetes, Own: true, Log: logr.Discard()},
		ingress.Options{Address: netip.MustParseAddr("192.0.2.1")}, listeners[0], listeners[1], nil)
	if err != nil {
		return err
	}
	return part.Run(ctx)
}

// balanced has a Service that gets an address, and goes, and an Ingress that is served with the certificate of a Secret.
func (s *session) balanced(t *testing.T) {
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "balanced"},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, Ports: []corev1.ServicePort{{Port: 80}}},
	}
	routes := &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "balanced"},
		Spec: networkingv1.IngressSpec{
			IngressClassName: ptr.To(ingress.ClassName),
			TLS:              []networkingv1.IngressTLS{{SecretName: "missing"}},
			DefaultBackend: &networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
				Name: "balanced", Port: networkingv1.ServiceBackendPort{Number: 80},
			}},
		},
	}
	s.create(t, service, routes)
	await.Until(t, "a Service and an Ingress with addresses", func() (string, bool) {
		for _, obj := range []client.Object{service, routes} {
			if err := s.Get(t.Context(), client.ObjectKeyFromObject(obj), obj); err != nil {
				return err.Error(), false
			}
		}
		return fmt.Sprint(service.Status, routes.Status), len(service.Status.LoadBalancer.Ingress) == 1 && len(routes.Status.LoadBalancer.Ingress) == 1
	})
	s.remove(t, service)
	s.gone(t, service)
	s.remove(t, routes)
}
