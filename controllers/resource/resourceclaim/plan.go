package resourceclaim

import (
	"fmt"
	"slices"
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/resourceclaims"
	"github.com/orrery-dev/orrery/framework/plan"
	resourcev1 "k8s.io/api/resource/v1"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

// Plan takes the consumers that are gone off the claim, lets go of its devices with the last one, and deletes a claim that was made
// for a pod which does not need it any more.
func (Controller) Plan(claim *resourcev1.ResourceClaim, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	released := claim.DeepCopy()
	released.Status.ReservedFor = slices.DeleteFunc(released.Status.ReservedFor, w.gone)
	unused := len(released.Status.ReservedFor) == 0
	left := len(claim.Status.ReservedFor) - len(released.Status.ReservedFor)
	held := controllerutil.ContainsFinalizer(claim, resourcev1.Finalizer)
	if held && unused && (left > 0 || claim.DeletionTimestamp != nil) {
		released.Status.Allocation = nil
	}
	p.Status(claim, released)
	if held && released.Status.Allocation == nil && (left > 0 || unused && claim.DeletionTimestamp != nil) {
		p.RemoveFinalizer("nobody uses the claim, and it has no devices", claim, resourcev1.Finalizer)
	}
	if unused && claim.DeletionTimestamp == nil && w.ownerDone(claim) {
		p.Delete(fmt.Sprintf("pod %s, which it was made for, does not need it any more", w.owner.Name), claim)
	}
	return p
}

// gone reports that a consumer of the claim does not use it any more.
func (w world) gone(consumer resourcev1.ResourceClaimConsumerReference) bool {
	if !resourceclaims.OfPods(consumer) {
		return false
	}
	pod := w.consumers[consumer.Name]
	return pod == nil || pod.UID != consumer.UID || resourceclaims.Done(pod)
}

// ownerDone reports that the pod which the claim was made for is another one by now, or will not run any more.
func (w world) ownerDone(claim *resourcev1.ResourceClaim) bool {
	owner := resourceclaims.MadeFor(claim)
	return owner != nil && w.owner != nil && (w.owner.UID != owner.UID || resourceclaims.Done(w.owner))
}
