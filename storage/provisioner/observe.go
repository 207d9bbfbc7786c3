package provisioner

import (
	"context"
	"fmt"
	"slices"

	"github.com/container-storage-interface/spec/lib/go/csi"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/component-helpers/storage/volume"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is what a claim's volume depends on.
type world struct {
	// class is the claim's; nil if there is none.
	class *ostoragev1.StorageClass
	// made says that the volume is there.
	made bool
	// source is what the volume is to be a copy of; nil if of nothing. refused is why it cannot be had; nil if it can.
	source  *csi.VolumeContentSource
	refused error
}

// Observe reads what there is for a claim that is handed to the driver.
func (c Controller) Observe(ctx context.Context, view loop.View, claim *ocorev1.PersistentVolumeClaim) (world, error) {
	if !c.isHanded(claim) || !isWaiting(claim) && !isAskedFor(claim) {
		return world{}, nil
	}
	var w world
	from := view.Reader
	if claim.DeletionTimestamp != nil { // it may be let go for what it says, and what was made for it is then nobody's
		from = view.Live()
	}
	class := &ostoragev1.StorageClass{}
	switch err := from.Get(ctx, client.ObjectKey{Name: classOf(claim)}, class); {
	case apierrors.IsNotFound(err):
		return w, nil
	case err != nil:
		return w, fmt.Errorf("reading class %s of claim %s: %w", classOf(claim), client.ObjectKeyFromObject(claim), err)
	}
	w.class = class
	switch err := from.Get(ctx, client.ObjectKey{Name: volumeName(claim)}, &ocorev1.PersistentVolume{}); {
	case err == nil:
		w.made = true
		return w, nil
	case !apierrors.IsNotFound(err):
		return w, fmt.Errorf("reading volume %s: %w", volumeName(claim), err)
	}
	if !c.isHere(claim) {
		return w, nil
	}
	var err error
	w.source, w.refused, err = c.source(ctx, from, view.Live(), claim, class)
	return w, err
}

// isHanded says that a claim is one for a volume of the driver.
func (c Controller) isHanded(claim *ocorev1.PersistentVolumeClaim) bool {
	by, ok := claim.Annotations[volume.AnnStorageProvisioner]
	if !ok {
		by = claim.Annotations[volume.AnnBetaStorageProvisioner]
	}
	return by == c.Name || claim.Annotations[volume.AnnMigratedTo] == c.Name
}

// isWaiting says that a claim waits for its volume.
func isWaiting(claim *ocorev1.PersistentVolumeClaim) bool {
	return claim.Spec.VolumeName == "" && claim.DeletionTimestamp == nil
}

// isAskedFor says that the driver has been asked for the volume of a claim, and it may not have been told yet that all is written down.
func isAskedFor(claim *ocorev1.PersistentVolumeClaim) bool {
	return slices.Contains(claim.Finalizers, BeingProvisioned)
}

// isHere says that a claim's volume is to be on a node that the driver makes volumes for.
func (c Controller) isHere(claim *ocorev1.PersistentVolumeClaim) bool {
	_, ok := c.Place.Segments(claim.Annotations[volume.AnnSelectedNode])
	return ok
}

// classOf is the name of a claim's class.
func classOf(claim *ocorev1.PersistentVolumeClaim) string {
	if class, ok := claim.Annotations[corev1.BetaStorageClassAnnotation]; ok {
		return class
	}
	if claim.Spec.StorageClassName == nil {
		return ""
	}
	return *claim.Spec.StorageClassName
}

// volumeName is what the volume of a claim is called.
func volumeName(claim *ocorev1.PersistentVolumeClaim) string { return "pvc-" + string(claim.UID) }
