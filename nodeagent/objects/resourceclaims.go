package objects

import (
	"context"

	resourcev1 "k8s.io/api/resource/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ResourceClaims reads the claims of pods, and removes what drivers of a node have published of it.
type ResourceClaims struct {
	Client client.Client
	Node   string
}

// ResourceClaim reads a claim.
func (r ResourceClaims) ResourceClaim(ctx context.Context, namespace, name string) (*resourcev1.ResourceClaim, error) {
	claim := &resourcev1.ResourceClaim{}
	if err := r.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, claim); err != nil {
		return nil, err
	}
	return claim, nil
}

// DeleteResourceSlices removes those of the node that a driver has published; those of all drivers, if it is "".
func (r ResourceClaims) DeleteResourceSlices(ctx context.Context, driver string) error {
	of := client.MatchingFields{resourcev1.ResourceSliceSelectorNodeName: r.Node}
	if driver != "" {
		of[resourcev1.ResourceSliceSelectorDriver] = driver
	}
	return client.IgnoreNotFound(r.Client.DeleteAllOf(ctx, &resourcev1.ResourceSlice{}, of))
}
