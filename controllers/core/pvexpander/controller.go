package pvexpander

import (
	"context"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/volumes"
	"github.com/orrery-dev/orrery/framework/loop"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups="",resources=persistentvolumes,verbs=list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for PersistentVolumeClaims.
type Controller struct{}

var _ loop.Controller[*ocorev1.PersistentVolumeClaim, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("persistentvolume-expander-controller", Controller{},
		loop.RecordsAs("volume_expand"),
		loop.Watches(boundTo),
	)
}

// boundTo names the claim that a volume names.
func boundTo(_ context.Context, _ client.Reader, volume *ocorev1.PersistentVolume) ([]client.ObjectKey, error) {
	if volume.Spec.ClaimRef == nil {
		return nil, nil
	}
	return []client.ObjectKey{volumes.ClaimOf(volume)}, nil
}
