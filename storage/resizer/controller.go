package resizer

import (
	"context"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/storage/driver"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=persistentvolumes,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for PersistentVolumeClaims.
type Controller struct{ *driver.Driver }

var _ loop.Controller[*ocorev1.PersistentVolumeClaim, world] = Controller{}

// Loop is the controller with its watches.
func Loop(d *driver.Driver) loop.Loop {
	return loop.New("csi-resizer", Controller{d}, loop.RecordsAs("external-resizer "+d.Name), loop.Watches(boundTo))
}

// boundTo names the claim that a volume names.
func boundTo(_ context.Context, _ client.Reader, volume *ocorev1.PersistentVolume) ([]client.ObjectKey, error) {
	if volume.Spec.ClaimRef == nil {
		return nil, nil
	}
	return []client.ObjectKey{{Namespace: volume.Spec.ClaimRef.Namespace, Name: volume.Spec.ClaimRef.Name}}, nil
}

// world is the volume of a claim.
type world struct {
	// volume is the one that the claim is bound to; nil where it has none that is of the driver and here.
	volume *ocorev1.PersistentVolume
}

// Observe reads the volume of a claim that asks for more than it has.
func (c Controller) Observe(ctx context.Context, view loop.View, claim *ocorev1.PersistentVolumeClaim) (world, error) {
	if claim.Status.Phase != corev1.ClaimBound || claim.Spec.VolumeName == "" || !wantsMore(claim) {
		return world{}, nil
	}
	volume := &ocorev1.PersistentVolume{}
	switch err := view.Get(ctx, client.ObjectKey{Name: claim.Spec.VolumeName}, volume); {
	case apierrors.IsNotFound(err):
		return world{}, nil
	case err != nil:
		return world{}, fmt.Errorf("reading volume %s of claim %s: %w", claim.Spec.VolumeName, client.ObjectKeyFromObject(claim), err)
	}
	ref := volume.Spec.ClaimRef
	if ref == nil || ref.UID != claim.UID || volume.Spec.CSI == nil || volume.Spec.CSI.Driver != c.Name || !c.Place.Holds((*corev1.PersistentVolume)(volume)) {
		return world{}, nil
	}
	return world{volume}, nil
}

// wantsMore says that a claim asks for more than it has.
func wantsMore(claim *ocorev1.PersistentVolumeClaim) bool {
	return claim.Spec.Resources.Requests.Storage().Cmp(*claim.Status.Capacity.Storage()) > 0
}
