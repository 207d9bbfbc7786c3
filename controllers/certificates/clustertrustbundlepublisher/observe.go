package clustertrustbundlepublisher

import (
	"context"
	"fmt"

	"github.com/orrery-dev/orrery/framework/loop"
	certificatesv1 "k8s.io/api/certificates/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world are the bundles of the API server that there are.
type world struct {
	bundles []*certificatesv1.ClusterTrustBundle
}

// Observe lists the bundles.
func (Controller) Observe(ctx context.Context, view loop.View, _ client.ObjectKey) (world, error) {
	var all certificatesv1.ClusterTrustBundleList
	if err := view.List(ctx, &all); err != nil {
		return world{}, fmt.Errorf("listing ClusterTrustBundles: %w", err)
	}
	var w world
	for i := range all.Items {
		if bundle := &all.Items[i]; ours(bundle) {
			w.bundles = append(w.bundles, bundle)
		}
	}
	return w, nil
}
