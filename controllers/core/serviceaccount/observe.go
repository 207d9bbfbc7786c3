package serviceaccount

import (
	"context"
	"fmt"

	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world says whether a Namespace has its ServiceAccount.
type world struct{ exists bool }

// Observe looks for the ServiceAccount of a Namespace.
func (Controller) Observe(ctx context.Context, view loop.View, namespace *corev1.Namespace) (world, error) {
	err := view.Get(ctx, client.ObjectKey{Namespace: namespace.Name, Name: name}, &corev1.ServiceAccount{})
	if client.IgnoreNotFound(err) != nil {
		return world{}, fmt.Errorf("reading ServiceAccount %s/%s: %w", namespace.Name, name, err)
	}
	return world{exists: err == nil}, nil
}
