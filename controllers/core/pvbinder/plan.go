package pvbinder

import (
	"fmt"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/storage/volume"
)

// Plan binds the claim, or says what it waits for.
func (Controller) Plan(claim *ocorev1.PersistentVolumeClaim, w world, now time.Time) *plan.Plan {
	p := plan.New()
	sayMigrated(p, claim)
	switch {
	case len(p.Steps()) > 0:
	case isBound(claim):
		keep(p, claim, w.volume, now)
	case claim.Spec.VolumeName != "":
		take(p, claim, w.volume, now)
	default:
		find(p, claim, w, now)
	}
	return p
}

// keep sees to it that the volume of a bound claim is bound to it too, and says so where it cannot be any more.
func keep(p *plan.Plan, claim *ocorev1.PersistentVolumeClaim, v *ocorev1.PersistentVolume, now time.Time) {
	switch {
	case claim.Spec.VolumeName == "":
		lose(p, claim, reasonLost, "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!")
	case v == nil:
		lose(p, claim, reasonLost, "Bound claim has lost its PersistentVolume. Data on the volume is lost!")
	case isOfAnother(v, claim):
		lose(p, claim, reasonMisbound, "Two claims are bound to the same volume, this one is bound incorrectly")
	default:
		bind(p, claim, v, "the claim is bound to it", now)
	}
}

// take binds the volume that a claim asks for by name.
func take(p *plan.Plan, claim *ocorev1.PersistentVolumeClaim, v *ocorev1.PersistentVolume, now time.Time) {
	var why string
	if v != nil {
		why = unfit(v, claim)
	}
	switch {
	case v == nil:
		p.Because(fmt.Sprintf("there is no volume %s", claim.Spec.VolumeName))
	case volume.IsVolumeBoundToClaim((*corev1.PersistentVolume)(v), (*corev1.PersistentVolumeClaim)(claim)):
		bind(p, claim, v, "the two name each other", now)
		return
	case v.Spec.ClaimRef != nil:
		p.EventOnce(claim, plan.Warning, reasonFailed, "volume %q already bound to a different claim.", v.Name)
	case why != "":
		p.EventOnce(claim, plan.Warning, reasonMismatch, "Cannot bind to requested volume %q: %s", v.Name, why)
	default:
		bind(p, claim, v, "the claim asks for it by name", now)
		return
	}
	p.Status(claim, pending(claim))
}

// find binds the best volume that there is, or has one made.
func find(p *plan.Plan, claim *ocorev1.PersistentVolumeClaim, w world, now time.Time) {
	v, err := match(claim, w.candidates, waitsForConsumer(w.class))
	switch {
	case err != nil:
		p.Because("its selector is none: " + err.Error())
	case v != nil:
		bind(p, claim, v, "it is the best for the claim", now)
	case w.byDefault != nil:
		classed := claim.DeepCopy()
		classed.Spec.StorageClassName = &w.byDefault.Name
		p.Patch("it is of no class, and this is the default", claim, classed)
	default:
		await(p, claim, w)
	}
}

// await says what a claim waits for that no volume is found for.
func await(p *plan.Plan, claim *ocorev1.PersistentVolumeClaim, w world) {
	switch {
	case waitsForConsumer(w.class) && !volume.IsDelayBindingProvisioning((*corev1.PersistentVolumeClaim)(claim)):
		sayWaiting(p, claim, w.waiting)
	case classOf(claim) != "":
		provision(p, claim, w.class)
		return
	default:
		p.EventOnce(claim, plan.Normal, reasonFailed, "no persistent volumes available for this claim and no storage class is set")
	}
	p.Status(claim, pending(claim))
}
