package rootcacertpublisher

import (
	"context"
	"fmt"

	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is what is published in a Namespace; nil means nothing.
type world struct{ published *corev1.ConfigMap }

// Observe reads the ConfigMap of a Namespace.
func (Controller) Observe(ctx context.Context, view loop.View, namespace *corev1.Namespace) (world, error) {
	published := &corev1.ConfigMap{}
	err := view.Get(ctx, client.ObjectKey{Namespace: namespace.Name, Name: configMapName}, published)
	switch {
	case apierrors.IsNotFound(err):
		return world{}, nil
	case err != nil:
		return world{}, fmt.Errorf("reading ConfigMap %s/%s: %w", namespace.Name, configMapName, err)
	default:
		return world{published: published}, nil
	}
}
