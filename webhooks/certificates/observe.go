package certificates

import (
	"bytes"
	"context"
	"fmt"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/loop"
)

// world is the Secret, and who does not trust what it says.
type world struct {
	secret     *corev1.Secret
	held       contents
	distrusted []distrusted
}

// distrusted is a configuration, and which of its webhooks are reached by the Service and trust anything else than the authorities in
// the Secret.
type distrusted struct {
	configuration client.Object
	webhooks      []int
}

// Observe reads the Secret and the configurations.
func (c Controller) Observe(ctx context.Context, view loop.View, _ client.ObjectKey) (world, error) {
	w := world{secret: &corev1.Secret{}}
	err := view.Get(ctx, c.Secret, w.secret)
	if apierrors.IsNotFound(err) {
		return w, engine.Stop(fmt.Errorf("there is no Secret %s to keep the certificate of the webhooks in: create an empty one, as config/webhook has it", c.Secret))
	}
	if err != nil {
		return w, fmt.Errorf("reading Secret %s: %w", c.Secret, err)
	}
	w.held = contentsOf(w.secret)
	var mutating admissionregistrationv1.MutatingWebhookConfigurationList
	if err := view.List(ctx, &mutating); err != nil {
		return w, fmt.Errorf("listing MutatingWebhookConfigurations: %w", err)
	}
	for i := range mutating.Items {
		var clients []admissionregistrationv1.WebhookClientConfig
		for _, webhook := range mutating.Items[i].Webhooks {
			clients = append(clients, webhook.ClientConfig)
		}
		w.add(&mutating.Items[i], c.distrusting(clients, w.held.authorities))
	}
	var validating admissionregistrationv1.ValidatingWebhookConfigurationList
	if err := view.List(ctx, &validating); err != nil {
		return w, fmt.Errorf("listing ValidatingWebhookConfigurations: %w", err)
	}
	for i := range validating.Items {
		var clients []admissionregistrationv1.WebhookClientConfig
		for _, webhook := range validating.Items[i].Webhooks {
			clients = append(clients, webhook.ClientConfig)
		}
		w.add(&validating.Items[i], c.distrusting(clients, w.held.authorities))
	}
	return w, nil
}

func (w *world) add(configuration client.Object, webhooks []int) {
	if len(webhooks) > 0 {
		w.distrusted = append(w.distrusted, distrusted{configuration, webhooks})
	}
}

// distrusting are those of some webhooks that are reached by the Service, and trust anything else than some authorities.
func (c Controller) distrusting(clients []admissionregistrationv1.WebhookClientConfig, authorities []byte) []int {
	var found []int
	for i, config := range clients {
		service := config.Service
		asked := service != nil && service.Namespace == c.Service.Namespace && service.Name == c.Service.Name
		if asked && !bytes.Equal(config.CABundle, authorities) {
			found = append(found, i)
		}
	}
	return found
}
