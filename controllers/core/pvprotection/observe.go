package pvprotection

import (
	"context"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
)

// world is who uses a volume.
type world struct {
	// user is the claim that it is bound to, as in "claim default/data"; empty if there is none.
	user string
}

// Observe has nothing to read: the phase says whether the volume is bound.
func (Controller) Observe(_ context.Context, _ loop.View, volume *ocorev1.PersistentVolume) (world, error) {
	if volume.Status.Phase != corev1.VolumeBound {
		return world{}, nil
	}
	if ref := volume.Spec.ClaimRef; ref != nil {
		return world{user: fmt.Sprintf("claim %s/%s", ref.Namespace, ref.Name)}, nil
	}
	return world{user: "a claim"}, nil
}
