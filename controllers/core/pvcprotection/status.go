package pvcprotection

import (
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/conditionsof"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
)

// report plans the status of a claim that is bound and stays. Before that the condition would be in the way of those who bind it.
func report(p *plan.Plan, claim *ocorev1.PersistentVolumeClaim, w world, now time.Time) {
	if claim.DeletionTimestamp != nil || claim.Status.Phase != corev1.ClaimBound {
		return
	}
	reported := claim.DeepCopy()
	reported.Status.Conditions = conditionsof.PersistentVolumeClaim.Set(reported.Status.Conditions, unused(w), now)
	p.Status(claim, reported)
}

func unused(w world) corev1.PersistentVolumeClaimCondition {
	if w.user != nil {
		return corev1.PersistentVolumeClaimCondition{
			Type: corev1.PersistentVolumeClaimUnused, Status: corev1.ConditionFalse,
			Reason: "PodUsingPVC", Message: "A pod is currently referencing this PVC",
		}
	}
	return corev1.PersistentVolumeClaimCondition{
		Type: corev1.PersistentVolumeClaimUnused, Status: corev1.ConditionTrue,
		Reason: "NoPodsUsingPVC", Message: "No pods are currently referencing this PVC",
	}
}
