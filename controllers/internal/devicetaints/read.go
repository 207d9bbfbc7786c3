package devicetaints

import (
	"context"
	"fmt"
	"slices"

	"github.com/orrery-dev/orrery/controllers/internal/resourceclaims"
	"github.com/orrery-dev/orrery/framework/loop"
	resourcev1 "k8s.io/api/resource/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// field is the index by which claims and slices are found.
const field = "pools"

// Indexed lets a loop find claims by [ClaimsOn], and slices by [Slices].
func Indexed() []loop.Option {
	return []loop.Option{
		loop.Indexes(&resourcev1.ResourceClaim{}, field, func(obj client.Object) []string {
			var pools []string
			if claim, ok := obj.(*resourcev1.ResourceClaim); ok {
				for _, result := range Results(claim) {
					if name := named(result.Driver, result.Pool); !slices.Contains(pools, name) {
						pools = append(pools, name)
					}
				}
			}
			return pools
		}),
		loop.Indexes(&resourcev1.ResourceSlice{}, field, func(obj client.Object) []string {
			slice, ok := obj.(*resourcev1.ResourceSlice)
			if !ok {
				return nil
			}
			return []string{named(slice.Spec.Driver, slice.Spec.Pool.Name)}
		}),
	}
}

// named is how the index calls a pool. The name of a driver has no slash.
func named(driver, pool string) string { return driver + "/" + pool }

// Slices are the slices of a pool that count. They are those of the cache itself, and must not be changed.
func Slices(ctx context.Context, read client.Reader, driver, pool string) ([]resourcev1.ResourceSlice, error) {
	var list resourcev1.ResourceSliceList
	if err := read.List(ctx, &list, client.MatchingFields{field: named(driver, pool)}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the slices of pool %s of %s: %w", pool, driver, err)
	}
	return Current(list.Items), nil
}

// ClaimsOn are the claims that have devices of a pool. They are those of the cache itself, and must not be changed.
func ClaimsOn(ctx context.Context, read client.Reader, driver, pool string) ([]resourcev1.ResourceClaim, error) {
	var list resourcev1.ResourceClaimList
	if err := read.List(ctx, &list, client.MatchingFields{field: named(driver, pool)}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the claims on pool %s of %s: %w", pool, driver, err)
	}
	return list.Items, nil
}

// ClaimsUnder are the claims that have devices which a rule taints. They are those of the cache itself, and must not be changed.
func ClaimsUnder(ctx context.Context, read client.Reader, rule *resourcev1.DeviceTaintRule) ([]resourcev1.ResourceClaim, error) {
	var list resourcev1.ResourceClaimList
	if err := read.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the claims under DeviceTaintRule %s: %w", rule.Name, err)
	}
	return slices.DeleteFunc(list.Items, func(claim resourcev1.ResourceClaim) bool { return !SelectsOf(rule, &claim) }), nil
}

// Consumers are the names of the pods that some claims are reserved for, each once.
func Consumers(claims ...resourcev1.ResourceClaim) []client.ObjectKey {
	var keys []client.ObjectKey
	seen := map[client.ObjectKey]bool{}
	for _, claim := range claims {
		for _, consumer := range claim.Status.ReservedFor {
			key := client.ObjectKey{Namespace: claim.Namespace, Name: consumer.Name}
			if resourceclaims.OfPods(consumer) && !seen[key] {
				seen[key] = true
				keys = append(keys, key)
			}
		}
	}
	return keys
}
