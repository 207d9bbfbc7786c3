package dns

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	"github.com/orrery-dev/orrery/framework/engine"
)

// world is all that a plan depends on.
type world struct {
	options Options
	port    int
	// configMap, service and slice are nil where there is none.
	configMap *corev1.ConfigMap
	service   *corev1.Service
	slice     *discoveryv1.EndpointSlice
	// upstreams are the resolvers of the machine.
	upstreams string
	// running is what the server runs, refused what it was asked to run and cannot.
	running, refused setup
}

// Observe reads the world.
func (l *loop) Observe(ctx context.Context, _ engine.Look, _ engine.One) (world, error) {
	w := world{options: l.node.server.options, port: l.node.server.port}
	w.running, w.refused = l.node.server.known()
	w.upstreams = strings.Join(upstreams(w.options.ResolvConf, w.options.ServiceIP, w.options.Listen), " ")
	var (
		config corev1.ConfigMap
		s      ocorev1.Service
		slice  odiscoveryv1.EndpointSlice
	)
	for _, object := range []struct {
		client.Object
		name string
		keep func()
	}{
		{&config, configMapName, func() { w.configMap = &config }},
		{&s, serviceName, func() { w.service = (*corev1.Service)(&s) }},
		{&slice, sliceName(w.options.NodeName), func() { w.slice = (*discoveryv1.EndpointSlice)(&slice) }},
	} {
		err := l.node.client.Get(ctx, client.ObjectKey{Namespace: metav1.NamespaceSystem, Name: object.name}, object.Object)
		switch {
		case err == nil:
			object.keep()
		case !apierrors.IsNotFound(err):
			return world{}, fmt.Errorf("reading %s in kube-system: %w", object.name, err)
		}
	}
	return w, nil
}
