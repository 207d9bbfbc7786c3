package ephemeralvolume

import (
	"context"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/podclaims"
	"github.com/orrery-dev/orrery/framework/loop"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is what there is by the names of the claims of a pod's ephemeral volumes.
type world struct {
	// claims are by their names.
	claims map[string]*ocorev1.PersistentVolumeClaim
}

// Observe reads what has the names of the claims.
func (Controller) Observe(ctx context.Context, view loop.View, pod *ocorev1.Pod) (world, error) {
	w := world{claims: map[string]*ocorev1.PersistentVolumeClaim{}}
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		if volume.Ephemeral == nil {
			continue
		}
		key := client.ObjectKey{Namespace: pod.Namespace, Name: podclaims.Name(pod, volume)}
		claim := &ocorev1.PersistentVolumeClaim{}
		switch err := view.Get(ctx, key, claim); {
		case err == nil:
			w.claims[key.Name] = claim
		case !apierrors.IsNotFound(err):
			return world{}, fmt.Errorf("reading PersistentVolumeClaim %s: %w", key, err)
		}
	}
	return w, nil
}
