package podresourceclaim

import (
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
)

// reserve plans to reserve for a pod that has a node those of its claims which are allocated. Of a pod that the scheduler has put there
// it finds nothing to do: all claims are reserved before.
func reserve(p *plan.Plan, pod *ocorev1.Pod, w world) {
	upstream := (*corev1.Pod)(pod)
	for i := range pod.Spec.ResourceClaims {
		asked := &pod.Spec.ResourceClaims[i]
		name, own, err := resourceclaim.Name(upstream, asked)
		if err != nil || name == nil {
			continue
		}
		claim := w.claims[*name]
		if claim == nil {
			p.Because(fmt.Sprintf("claim %s does not exist", *name))
			return
		}
		if own {
			if err := resourceclaim.IsForPod(upstream, claim, false); err != nil {
				p.Because(err.Error())
				return
			}
		}
		if claim.Status.Allocation == nil || resourceclaim.IsReservedForPod(upstream, claim, false) || !resourceclaim.CanBeReserved(claim) {
			continue
		}
		consumer, err := w.consumer(pod, asked)
		if err != nil || isGroup(consumer) {
			continue
		}
		reserved := claim.DeepCopy()
		reserved.Status.ReservedFor = append(reserved.Status.ReservedFor, consumer)
		p.Status(claim, reserved)
	}
}
