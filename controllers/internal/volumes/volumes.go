package volumes

import (
	"context"
	"fmt"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// field is the index by which volumes are found.
const field = "claimRef"

// Indexed lets a loop find volumes by [Claiming].
func Indexed() loop.Option {
	return loop.Indexes(&ocorev1.PersistentVolume{}, field, func(obj client.Object) []string {
		volume, ok := obj.(*ocorev1.PersistentVolume)
		if !ok || volume.Spec.ClaimRef == nil {
			return nil
		}
		return []string{ClaimOf(volume).String()}
	})
}

// ClaimOf is the name of the claim that a volume names in its claimRef, which has to be there.
func ClaimOf(volume *ocorev1.PersistentVolume) client.ObjectKey {
	return client.ObjectKey{Namespace: volume.Spec.ClaimRef.Namespace, Name: volume.Spec.ClaimRef.Name}
}

// Claiming are the volumes that name a claim, whatever its UID. They must not be changed.
func Claiming(ctx context.Context, read client.Reader, claim client.ObjectKey) ([]ocorev1.PersistentVolume, error) {
	var volumes ocorev1.PersistentVolumeList
	if err := read.List(ctx, &volumes, client.MatchingFields{field: claim.String()}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the volumes that name claim %s: %w", claim, err)
	}
	return volumes.Items, nil
}

// InPhase is a volume in a phase, since now if it was in another, with the message that goes with it.
func InPhase(volume *ocorev1.PersistentVolume, phase corev1.PersistentVolumePhase, message string, now time.Time) *ocorev1.PersistentVolume {
	if volume.Status.Phase == phase {
		return volume
	}
	changed := volume.DeepCopy()
	since := metav1.NewTime(now)
	changed.Status.Phase, changed.Status.Message, changed.Status.LastPhaseTransitionTime = phase, message, &since
	return changed
}
