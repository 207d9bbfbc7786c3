package pvbinder

import (
	"context"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/controllers/internal/podclaims"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/controllers/internal/volumes"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// tiedTo names the claim that a volume names, and the claims that name the volume.
func tiedTo(ctx context.Context, read client.Reader, v *ocorev1.PersistentVolume) ([]client.ObjectKey, error) {
	keys, err := claimsBy(ctx, read, naming, v.Name)
	if v.Spec.ClaimRef != nil {
		keys = append(keys, volumes.ClaimOf(v))
	}
	return keys, err
}

// couldHave names the claims that a free volume could be for. Those whose class waits for the first consumer are the scheduler's.
func couldHave(ctx context.Context, read client.Reader, v *ocorev1.PersistentVolume) ([]client.ObjectKey, error) {
	if !isFree(v) {
		return nil, nil
	}
	name := classOfVolume(v)
	class, err := classNamed(ctx, read, name)
	if err != nil || waitsForConsumer(class) {
		return nil, err
	}
	return claimsBy(ctx, read, unboundOfClass, name)
}

// isFree reports that a volume is there for any claim.
func isFree(v *ocorev1.PersistentVolume) bool {
	return v.Spec.ClaimRef == nil && v.Status.Phase == corev1.VolumeAvailable && v.DeletionTimestamp == nil
}

// cameFree lets pass the changes after which a volume is free: nobody waits for one to be taken.
func cameFree(_, is *ocorev1.PersistentVolume) bool { return isFree(is) }

// ofClass names the unbound claims of a class, and those that say nothing of a class where it is a default.
func ofClass(ctx context.Context, read client.Reader, class *ostoragev1.StorageClass) ([]client.ObjectKey, error) {
	keys, err := claimsBy(ctx, read, unboundOfClass, class.Name)
	if err != nil || !isDefault(class) {
		return keys, err
	}
	silent, err := claimsBy(ctx, read, unboundOfClass, unset)
	return append(keys, silent...), err
}

// waitingFor names the claims of a pod that have no volume yet.
func waitingFor(ctx context.Context, read client.Reader, pod *ocorev1.Pod) ([]client.ObjectKey, error) {
	var keys []client.ObjectKey
	for _, name := range podclaims.Names(pod) {
		key := client.ObjectKey{Namespace: pod.Namespace, Name: name}
		var claim ocorev1.PersistentVolumeClaim
		if err := read.Get(ctx, key, &claim); client.IgnoreNotFound(err) != nil {
			return nil, fmt.Errorf("reading claim %s: %w", key, err)
		}
		if claim.Name != "" && claim.Spec.VolumeName == "" && !isBound(&claim) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// waits reports that a pod's change may change whether it waits for a node.
func waits(was, is *ocorev1.Pod) bool { return isWaiting(was) != isWaiting(is) || was.UID != is.UID }

// isWaiting reports that a pod is to get a node.
func isWaiting(pod *ocorev1.Pod) bool {
	return pod.Spec.NodeName == "" && pod.DeletionTimestamp == nil && !replicas.Ended(pod)
}

func claimsBy(ctx context.Context, read client.Reader, field, value string) ([]client.ObjectKey, error) {
	var claims ocorev1.PersistentVolumeClaimList
	if err := read.List(ctx, &claims, client.MatchingFields{field: value}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the claims with %s %q: %w", field, value, err)
	}
	keys := make([]client.ObjectKey, len(claims.Items))
	for i := range claims.Items {
		keys[i] = client.ObjectKeyFromObject(&claims.Items[i])
	}
	return keys, nil
}
