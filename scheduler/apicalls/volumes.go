package apicalls

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

// Volumes binds volumes and claims to each other.
type Volumes struct {
	Cached
	client client.Client
}

// NewVolumes returns a Volumes.
func NewVolumes(cached Cached, c client.Client) Volumes { return Volumes{Cached: cached, client: c} }

// UpdateVolume writes a volume. That it has changed meanwhile is a conflict.
func (v Volumes) UpdateVolume(ctx context.Context, volume *corev1.PersistentVolume) (*corev1.PersistentVolume, error) {
	written := (*ocorev1.PersistentVolume)(volume.DeepCopy())
	if err := v.client.Update(ctx, written); err != nil {
		return nil, err
	}
	return (*corev1.PersistentVolume)(written), nil
}

// UpdateClaim writes a claim. That it has changed meanwhile is a conflict.
func (v Volumes) UpdateClaim(ctx context.Context, claim *corev1.PersistentVolumeClaim) (*corev1.PersistentVolumeClaim, error) {
	written := (*ocorev1.PersistentVolumeClaim)(claim.DeepCopy())
	if err := v.client.Update(ctx, written); err != nil {
		return nil, err
	}
	return (*corev1.PersistentVolumeClaim)(written), nil
}
