package certificates

import (
	"fmt"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/framework/loop"
)

// What the loop needs is in config/webhook: RBAC markers name no single object whose name is given to it by who installs it.

// Options say whose certificate is kept, and where.
type Options struct {
	// Secret is where it is kept.
	Secret client.ObjectKey
	// Service is that by which the API server reaches the webhooks.
	Service client.ObjectKey
}

// names are those of the server. By the first the API server knows it.
func (o Options) names() []string {
	name := fmt.Sprintf("%s.%s.svc", o.Service.Name, o.Service.Namespace)
	return []string{name, name + ".cluster.local"}
}

// Controller decides for the one certificate.
type Controller struct{ Options }

var _ loop.GroupController[world] = Controller{}

// Loop is the controller with its watches. The manager's cache has to be one that [Options.Cached] narrows.
func Loop(o Options) loop.Loop {
	return loop.NewGroup("webhook-certificates", Controller{o},
		loop.WatchesAll(&corev1.Secret{}, 0),
		loop.WatchesAll(&admissionregistrationv1.MutatingWebhookConfiguration{}, 0),
		loop.WatchesAll(&admissionregistrationv1.ValidatingWebhookConfiguration{}, 0),
		loop.AtStart(loop.All))
}

// Cached is all that a cache may hold of Secrets: the one that the certificate is kept in.
func (o Options) Cached() map[client.Object]cache.ByObject {
	named := fields.OneTermEqualSelector("metadata.name", o.Secret.Name)
	return map[client.Object]cache.ByObject{
		&corev1.Secret{}: {Namespaces: map[string]cache.Config{o.Secret.Namespace: {FieldSelector: named}}},
	}
}
