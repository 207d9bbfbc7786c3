package provisioner

import (
	"context"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// claimOf names the claim that a volume names.
func claimOf(_ context.Context, _ client.Reader, volume *ocorev1.PersistentVolume) ([]client.ObjectKey, error) {
	if volume.Spec.ClaimRef == nil {
		return nil, nil
	}
	return []client.ObjectKey{{Namespace: volume.Spec.ClaimRef.Namespace, Name: volume.Spec.ClaimRef.Name}}, nil
}

// ofClass names the claims of a class that have no volume. Classes change seldom.
func ofClass(ctx context.Context, read client.Reader, class *ostoragev1.StorageClass) ([]client.ObjectKey, error) {
	var claims ocorev1.PersistentVolumeClaimList
	if err := read.List(ctx, &claims, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the claims of class %s: %w", class.Name, err)
	}
	var keys []client.ObjectKey
	for i := range claims.Items {
		if claim := &claims.Items[i]; claim.Spec.VolumeName == "" && classOf(claim) == class.Name {
			keys = append(keys, client.ObjectKeyFromObject(claim))
		}
	}
	return keys, nil
}
