package scheduler

import (
	"context"

	k8scorev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	corev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/scheduler/plugins/volumebinding"
)

// volumes is what the plugin VolumeBinding needs of the API server, by the names that the scheduler uses. The plugin is
// built before the scheduler's api, which is why it goes by the scheduler.
type volumes struct{ scheduler *Scheduler }

var _ volumebinding.API = volumes{}

// Pod returns a pod as the cache has it, or nil.
func (v volumes) Pod(namespace, name string) *k8scorev1.Pod {
	return v.scheduler.api.Pod(namespace, name)
}

// Node returns a node as the cache has it, or nil.
func (v volumes) Node(name string) *k8scorev1.Node {
	node := &corev1.Node{}
	if err := v.scheduler.api.cached.Get(context.Background(), client.ObjectKey{Name: name}, node, client.UnsafeDisableDeepCopy); err != nil {
		return nil // As for pods, this can only be NotFound.
	}
	return (*k8scorev1.Node)(node)
}

// UpdateVolume writes a volume. That it has changed meanwhile is a conflict.
func (v volumes) UpdateVolume(ctx context.Context, volume *k8scorev1.PersistentVolume) (*k8scorev1.PersistentVolume, error) {
	written := (*corev1.PersistentVolume)(volume.DeepCopy())
	if err := v.scheduler.api.live.Update(ctx, written); err != nil {
		return nil, err
	}
	return (*k8scorev1.PersistentVolume)(written), nil
}

// UpdateClaim writes a claim. That it has changed meanwhile is a conflict.
func (v volumes) UpdateClaim(ctx context.Context, claim *k8scorev1.PersistentVolumeClaim) (*k8scorev1.PersistentVolumeClaim, error) {
	written := (*corev1.PersistentVolumeClaim)(claim.DeepCopy())
	if err := v.scheduler.api.live.Update(ctx, written); err != nil {
		return nil, err
	}
	return (*k8scorev1.PersistentVolumeClaim)(written), nil
}
