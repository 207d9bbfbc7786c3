package pvreclaimer

import (
	"fmt"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/volumes"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	storagevolume "k8s.io/component-helpers/storage/volume"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Plan tells the phase of the volume, and what becomes of it when its claim is gone.
func (Controller) Plan(volume *ocorev1.PersistentVolume, w world, now time.Time) *plan.Plan {
	p := plan.New()
	sayProvisioned(p, volume)
	ref := volume.Spec.ClaimRef
	switch {
	case len(p.Steps()) > 0:
	case ref == nil || ref.UID == "":
		become(p, volume, corev1.VolumeAvailable, now)
	case w.claim == nil:
		release(p, volume, w, now)
	case w.claim.Spec.VolumeName == volume.Name:
		become(p, volume, corev1.VolumeBound, now)
	case w.claim.Spec.VolumeName == "":
		await(p, volume, w.claim)
	case madeFor(volume) && volume.Spec.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimDelete:
		release(p, volume, w, now)
	default:
		letGo(p, volume, fmt.Sprintf("its claim has got volume %s", w.claim.Spec.VolumeName), now)
	}
	return p
}

// become plans a phase.
func become(p *plan.Plan, volume *ocorev1.PersistentVolume, phase corev1.PersistentVolumePhase, now time.Time) {
	p.Status(volume, volumes.InPhase(volume, phase, "", now))
}

// madeFor reports that a volume was provisioned for a claim.
func madeFor(volume *ocorev1.PersistentVolume) bool {
	return metav1.HasAnnotation(volume.ObjectMeta, storagevolume.AnnDynamicallyProvisioned)
}

// await leaves a volume to the binder, which finishes what it or the scheduler or a provisioner began, unless it cannot.
func await(p *plan.Plan, volume *ocorev1.PersistentVolume, claim *ocorev1.PersistentVolumeClaim) {
	if !storagevolume.CheckVolumeModeMismatches(&claim.Spec, &volume.Spec) {
		p.Because("its claim does not name it yet")
		return
	}
	p.Because("its claim is of another volume mode")
	p.EventOnce(volume, plan.Warning, reasonMismatch,
		"Cannot bind PersistentVolume to requested PersistentVolumeClaim %q due to incompatible volumeMode.", claim.Name)
	p.EventOnce(claim, plan.Warning, reasonMismatch,
		"Cannot bind PersistentVolume %q to requested PersistentVolumeClaim due to incompatible volumeMode.", volume.Name)
}

// letGo makes a volume available to others, or to the claim of the name for which a person reserved it.
func letGo(p *plan.Plan, volume *ocorev1.PersistentVolume, why string, now time.Time) {
	free := volume.DeepCopy()
	if metav1.HasAnnotation(volume.ObjectMeta, storagevolume.AnnBoundByController) {
		free.Spec.ClaimRef = nil
		delete(free.Annotations, storagevolume.AnnBoundByController)
	} else {
		free.Spec.ClaimRef.UID = ""
	}
	delete(free.Annotations, recyclerAnnotation)
	p.Patch(why, volume, free)
	p.StatusAfter(volume, func(failed error) client.Object {
		if failed != nil {
			return volume
		}
		return volumes.InPhase(volume, corev1.VolumeAvailable, "", now)
	})
}
