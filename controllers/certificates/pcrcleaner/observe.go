package pcrcleaner

import (
	"context"

	"github.com/orrery-dev/orrery/framework/loop"
	certificatesv1 "k8s.io/api/certificates/v1"
)

// world is empty: a request's age is all that counts.
type world struct{}

// Observe has nothing to read but the request.
func (Controller) Observe(context.Context, loop.View, *certificatesv1.PodCertificateRequest) (world, error) {
	return world{}, nil
}
