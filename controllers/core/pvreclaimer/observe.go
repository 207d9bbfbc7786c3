package pvreclaimer

import (
	"context"
	"fmt"
	"slices"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/podclaims"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/controllers/internal/volumes"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is what a volume has to do with.
type world struct {
	// claim is the one that the volume names by its UID; nil if it is gone.
	claim *ocorev1.PersistentVolumeClaim
	// users are the pods, by namespace and name, that use the claim though it is gone; only for a volume that is recycled.
	users []string
	// recycler is the pod that scrubs the volume; nil if there is none. Only for a volume that is recycled.
	recycler *ocorev1.Pod
	// failed is since when the recycler is seen to have failed.
	failed time.Time
}

// Observe reads the claim that the volume names, and where it is gone who is in the way of recycling the volume.
func (Controller) Observe(ctx context.Context, view loop.View, volume *ocorev1.PersistentVolume) (world, error) {
	if volume.Spec.ClaimRef == nil || volume.Spec.ClaimRef.UID == "" {
		return world{}, nil
	}
	claim, err := claimOf(ctx, view, volume)
	switch {
	case err != nil:
		return world{}, err
	case claim != nil && claim.UID == volume.Spec.ClaimRef.UID:
		return world{claim: claim}, nil
	case volume.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimRecycle:
		return world{}, nil
	case claim != nil: // pods by that name use the new one
		return recycling(ctx, view, volume, world{})
	}
	users, err := usersOf(ctx, view, volumes.ClaimOf(volume))
	if err != nil {
		return world{}, err
	}
	return recycling(ctx, view, volume, world{users: users})
}

// claimOf is the claim of the name that a volume names; nil if there is none. What is done with a volume whose claim is gone cannot be
// taken back: that it is has to come from the API server itself.
func claimOf(ctx context.Context, view loop.View, volume *ocorev1.PersistentVolume) (*ocorev1.PersistentVolumeClaim, error) {
	claim, err := claimNamed(ctx, view, volumes.ClaimOf(volume))
	if err != nil || claim != nil && claim.UID == volume.Spec.ClaimRef.UID {
		return claim, err
	}
	return claimNamed(ctx, view.Live(), volumes.ClaimOf(volume))
}

func claimNamed(ctx context.Context, read client.Reader, name client.ObjectKey) (*ocorev1.PersistentVolumeClaim, error) {
	claim := &ocorev1.PersistentVolumeClaim{}
	err := read.Get(ctx, name, claim)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading claim %s: %w", name, err)
	}
	return claim, nil
}

// usersOf are the pods that use a claim and have not ended.
func usersOf(ctx context.Context, view loop.View, claim client.ObjectKey) ([]string, error) {
	pods, err := podclaims.Naming(ctx, view, claim)
	if err != nil {
		return nil, err
	}
	var users []string
	for i := range pods {
		if !replicas.Ended(&pods[i]) {
			users = append(users, client.ObjectKeyFromObject(&pods[i]).String())
		}
	}
	slices.Sort(users)
	return users, nil
}

// recycling adds the pod that scrubs the volume.
func recycling(ctx context.Context, view loop.View, volume *ocorev1.PersistentVolume, w world) (world, error) {
	pod := &ocorev1.Pod{}
	key := recyclerOf(volume)
	switch err := view.Get(ctx, key, pod); {
	case apierrors.IsNotFound(err):
		return w, nil
	case err != nil:
		return world{}, fmt.Errorf("reading pod %s, which recycles volume %s: %w", key, volume.Name, err)
	}
	w.recycler = pod
	if pod.Status.Phase == corev1.PodFailed {
		w.failed = view.Since("recycler", string(pod.UID))
	}
	return w, nil
}
