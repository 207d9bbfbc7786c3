package scheduler

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

// Node returns a node as the cache has it, or nil.
func (a *api) Node(name string) *corev1.Node {
	node := &ocorev1.Node{}
	if err := a.cached.Get(context.Background(), client.ObjectKey{Name: name}, node, client.UnsafeDisableDeepCopy); err != nil {
		return nil // As for pods, this can only be NotFound.
	}
	return (*corev1.Node)(node)
}

// UpdateVolume writes a volume. That it has changed meanwhile is a conflict.
func (a *api) UpdateVolume(ctx context.Context, volume *corev1.PersistentVolume) (*corev1.PersistentVolume, error) {
	written := (*ocorev1.PersistentVolume)(volume.DeepCopy())
	if err := a.live.Update(ctx, written); err != nil {
		return nil, err
	}
	return (*corev1.PersistentVolume)(written), nil
}

// UpdateClaim writes a claim. That it has changed meanwhile is a conflict.
func (a *api) UpdateClaim(ctx context.Context, claim *corev1.PersistentVolumeClaim) (*corev1.PersistentVolumeClaim, error) {
	written := (*ocorev1.PersistentVolumeClaim)(claim.DeepCopy())
	if err := a.live.Update(ctx, written); err != nil {
		return nil, err
	}
	return (*corev1.PersistentVolumeClaim)(written), nil
}
