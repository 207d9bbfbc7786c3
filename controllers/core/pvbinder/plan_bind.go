package pvbinder

import (
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/volumes"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/storage/volume"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// bind ties the volume and the claim to each other, as far as they are not. The volume comes first: until the claim names it, it is
// found again by the claim that it names.
func bind(p *plan.Plan, claim *ocorev1.PersistentVolumeClaim, v *ocorev1.PersistentVolume, why string, now time.Time) {
	claimed, _, err := volume.GetBindVolumeToClaim((*corev1.PersistentVolume)(v), (*corev1.PersistentVolumeClaim)(claim))
	if err != nil {
		p.Because("the claim cannot be referred to: " + err.Error())
		return
	}
	p.Patch(why, v, (*ocorev1.PersistentVolume)(claimed))
	report(p, v, volumes.InPhase(v, corev1.VolumeBound, "", now))
	p.Patch(why, claim, completed(claim, v))
	report(p, claim, bound(claim, v))
}

// report plans a status that is only true when all before it has been done.
func report[T client.Object](p *plan.Plan, observed, wanted T) {
	p.StatusAfter(observed, func(failed error) client.Object {
		if failed != nil {
			return observed
		}
		return wanted
	})
}

// completed is a claim that names its volume.
func completed(claim *ocorev1.PersistentVolumeClaim, v *ocorev1.PersistentVolume) *ocorev1.PersistentVolumeClaim {
	done := claim.DeepCopy()
	if done.Spec.VolumeName != v.Name {
		done.Spec.VolumeName = v.Name
		mark(done, volume.AnnBoundByController)
	}
	mark(done, volume.AnnBindCompleted)
	return done
}

// mark makes a claim have an annotation whose value does not matter.
func mark(claim *ocorev1.PersistentVolumeClaim, annotation string) {
	if !metav1.HasAnnotation(claim.ObjectMeta, annotation) {
		metav1.SetMetaDataAnnotation(&claim.ObjectMeta, annotation, "yes")
	}
}
