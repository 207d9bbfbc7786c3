package scheduler

import (
	"context"

	k8scorev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	corev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

// Node returns a node as the cache has it, or nil.
func (a *api) Node(name string) *k8scorev1.Node {
	node := &corev1.Node{}
	if err := a.cached.Get(context.Background(), client.ObjectKey{Name: name}, node, client.UnsafeDisableDeepCopy); err != nil {
		return nil // As for pods, this can only be NotFound.
	}
	return (*k8scorev1.Node)(node)
}

// UpdateVolume writes a volume. That it has changed meanwhile is a conflict.
func (a *api) UpdateVolume(ctx context.Context, volume *k8scorev1.PersistentVolume) (*k8scorev1.PersistentVolume, error) {
	written := (*corev1.PersistentVolume)(volume.DeepCopy())
	if err := a.live.Update(ctx, written); err != nil {
		return nil, err
	}
	return (*k8scorev1.PersistentVolume)(written), nil
}

// UpdateClaim writes a claim. That it has changed meanwhile is a conflict.
func (a *api) UpdateClaim(ctx context.Context, claim *k8scorev1.PersistentVolumeClaim) (*k8scorev1.PersistentVolumeClaim, error) {
	written := (*corev1.PersistentVolumeClaim)(claim.DeepCopy())
	if err := a.live.Update(ctx, written); err != nil {
		return nil, err
	}
	return (*k8scorev1.PersistentVolumeClaim)(written), nil
}
