package pvexpander

import (
	"context"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is the volume of a claim.
type world struct {
	// volume is the one that claim is bound to; nil if it is bound to none, or if the volume is another claim's.
	volume *ocorev1.PersistentVolume
}

// Observe reads the volume of a bound claim.
func (Controller) Observe(ctx context.Context, view loop.View, claim *ocorev1.PersistentVolumeClaim) (world, error) {
	if claim.Status.Phase != corev1.ClaimBound || claim.Spec.VolumeName == "" {
		return world{}, nil
	}
	volume := &ocorev1.PersistentVolume{}
	if err := view.Get(ctx, client.ObjectKey{Name: claim.Spec.VolumeName}, volume); client.IgnoreNotFound(err) != nil {
		return world{}, fmt.Errorf("reading volume %s of claim %s: %w", claim.Spec.VolumeName, client.ObjectKeyFromObject(claim), err)
	}
	if ref := volume.Spec.ClaimRef; ref == nil || ref.UID != claim.UID {
		return world{}, nil
	}
	return world{volume: volume}, nil
}
