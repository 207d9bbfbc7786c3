package ingress

import (
	"context"
	"crypto/tls"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	onetworkingv1 "github.com/orrery-dev/orrery/apis/networking/v1"
	"github.com/orrery-dev/orrery/framework/engine"
)

// World is all that a plan depends on.
type World struct {
	Options
	Classes   []*networkingv1.IngressClass
	Ingresses []*networkingv1.Ingress
	Services  []*corev1.Service
	// Certificates are those of the Secrets that Ingresses of ours name, as far as they can be used.
	Certificates map[types.NamespacedName]*tls.Certificate
	// Unusable says why the others cannot.
	Unusable map[types.NamespacedName]string
	// Present is the table in use.
	Present *Table
}

// Observe reads the world. Objects are the cache's own and not copied: a plan changes none.
func (l *loop) Observe(ctx context.Context, _ engine.Look, _ engine.One) (World, error) {
	var (
		classes   onetworkingv1.IngressClassList
		ingresses onetworkingv1.IngressList
		services  ocorev1.ServiceList
	)
	for _, list := range []client.ObjectList{&classes, &ingresses, &services} {
		if err := l.read.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			return World{}, fmt.Errorf("listing what requests are routed by: %w", err)
		}
	}
	w := World{Options: l.options, Present: l.node.server.table.Load()}
	for i := range classes.Items {
		w.Classes = append(w.Classes, (*networkingv1.IngressClass)(&classes.Items[i]))
	}
	for i := range ingresses.Items {
		w.Ingresses = append(w.Ingresses, (*networkingv1.Ingress)(&ingresses.Items[i]))
	}
	for i := range services.Items {
		w.Services = append(w.Services, (*corev1.Service)(&services.Items[i]))
	}
	return w, w.readSecrets(ctx, l.live)
}

// readSecrets reads the certificates that Ingresses of ours name.
func (w *World) readSecrets(ctx context.Context, live client.Reader) error {
	w.Certificates, w.Unusable = map[types.NamespacedName]*tls.Certificate{}, map[types.NamespacedName]string{}
	for _, name := range secretNames(ours(*w)) {
		var secret corev1.Secret
		err := live.Get(ctx, name, &secret)
		if apierrors.IsNotFound(err) {
			w.Unusable[name] = "it does not exist"
			continue
		}
		if err != nil {
			return fmt.Errorf("reading the certificate in Secret %s: %w", name, err)
		}
		certificate, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
		if err != nil {
			w.Unusable[name] = err.Error()
			continue
		}
		w.Certificates[name] = &certificate
	}
	return nil
}
