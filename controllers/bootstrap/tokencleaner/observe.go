package tokencleaner

import (
	"context"

	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
)

// world is empty: a token says itself when it expires.
type world struct{}

// Observe has nothing to read but the token.
func (Controller) Observe(context.Context, loop.View, *corev1.Secret) (world, error) {
	return world{}, nil
}
