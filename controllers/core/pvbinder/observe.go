package pvbinder

import (
	"context"
	"errors"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/controllers/internal/podclaims"
	"github.com/orrery-dev/orrery/controllers/internal/volumes"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/component-helpers/storage/volume"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is what a claim has to do with.
type world struct {
	// volume is the one that the claim names; nil if there is none. All below is for a claim that names none and was never bound.
	volume *ocorev1.PersistentVolume
	// candidates are the volumes that name the claim, and the free ones of its class.
	candidates []*ocorev1.PersistentVolume
	// class is the claim's; nil if it has none, or if there is no such.
	class *ostoragev1.StorageClass
	// byDefault is the class that claims get which say nothing of a class; nil if there is none, or if the claim does.
	byDefault *ostoragev1.StorageClass
	// waiting are the names of pods without a node that use the claim, where its class waits for them.
	waiting []string
}

// Observe reads the volume that the claim names, or else what it could get.
func (Controller) Observe(ctx context.Context, view loop.View, claim *ocorev1.PersistentVolumeClaim) (world, error) {
	switch {
	case claim.Spec.VolumeName != "":
		v, err := volumeOf(ctx, view, claim)
		return world{volume: v}, err
	case isBound(claim):
		return world{}, nil
	default:
		return observeUnbound(ctx, view, claim)
	}
}

// volumeOf is the volume that a claim names. That one which was bound is gone, or somebody else's, is a loss of data to whoever reads
// it: the API server itself has to say so.
func volumeOf(ctx context.Context, view loop.View, claim *ocorev1.PersistentVolumeClaim) (*ocorev1.PersistentVolume, error) {
	v, err := volumeNamedBy(ctx, view, claim)
	if err == nil && isBound(claim) && (v == nil || isOfAnother(v, claim)) {
		v, err = volumeNamedBy(ctx, view.Live(), claim)
	}
	return v, err
}

// volumeNamedBy is nil where there is none.
func volumeNamedBy(ctx context.Context, read client.Reader, claim *ocorev1.PersistentVolumeClaim) (*ocorev1.PersistentVolume, error) {
	v := &ocorev1.PersistentVolume{}
	err := read.Get(ctx, client.ObjectKey{Name: claim.Spec.VolumeName}, v)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading volume %s of claim %s: %w", claim.Spec.VolumeName, client.ObjectKeyFromObject(claim), err)
	}
	return v, nil
}

// isOfAnother reports that a volume is bound to another claim, maybe one that had the same name.
func isOfAnother(v *ocorev1.PersistentVolume, claim *ocorev1.PersistentVolumeClaim) bool {
	return v.Spec.ClaimRef != nil && v.Spec.ClaimRef.UID != claim.UID
}

func observeUnbound(ctx context.Context, view loop.View, claim *ocorev1.PersistentVolumeClaim) (world, error) {
	var w world
	var failed [3]error
	w.class, failed[0] = classNamed(ctx, view, classOf(claim))
	w.candidates, failed[1] = candidatesFor(ctx, view, claim)
	switch {
	case !hasClass(claim):
		w.byDefault, failed[2] = defaultClass(ctx, view)
	case waitsForConsumer(w.class):
		w.waiting, failed[2] = waitingPods(ctx, view, claim)
	}
	return w, errors.Join(failed[:]...)
}

// candidatesFor are the volumes that name the claim, and the free ones of its class.
func candidatesFor(ctx context.Context, view loop.View, claim *ocorev1.PersistentVolumeClaim) ([]*ocorev1.PersistentVolume, error) {
	tied, err := volumes.Claiming(ctx, view, client.ObjectKeyFromObject(claim))
	if err != nil {
		return nil, err
	}
	var free ocorev1.PersistentVolumeList
	if err := view.List(ctx, &free, client.MatchingFields{freeOfClass: classOf(claim)}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the free volumes of class %q: %w", classOf(claim), err)
	}
	var candidates []*ocorev1.PersistentVolume
	for _, items := range [][]ocorev1.PersistentVolume{tied, free.Items} {
		for i := range items {
			candidates = append(candidates, &items[i])
		}
	}
	return candidates, nil
}

// waitingPods are the names of the pods without a node that use a claim, unless they have one by now for which the scheduler asks.
func waitingPods(ctx context.Context, view loop.View, claim *ocorev1.PersistentVolumeClaim) ([]string, error) {
	if volume.IsDelayBindingProvisioning((*corev1.PersistentVolumeClaim)(claim)) {
		return nil, nil
	}
	pods, err := podclaims.Naming(ctx, view, client.ObjectKeyFromObject(claim))
	if err != nil {
		return nil, err
	}
	var names []string
	for i := range pods {
		if isWaiting(&pods[i]) {
			names = append(names, pods[i].Name)
		}
	}
	return names, nil
}
