package podresourceclaim

import (
	"fmt"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/podgroups"
	"github.com/orrery-dev/orrery/controllers/internal/resourceclaims"
	"github.com/orrery-dev/orrery/framework/plan"
)

// Plan makes the claims that are missing, tells in the pod's status which they are, and reserves those of a pod that has a node: one
// after the other, in as many passes.
func (Controller) Plan(pod *ocorev1.Pod, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	if !needsClaims(pod) {
		return p
	}
	if group := podgroups.Of(pod); group != "" && w.group == nil {
		p.Because(fmt.Sprintf("its PodGroup %s does not exist", group))
		return p
	}
	if complete := provide(p, pod, w); complete && pod.Spec.NodeName != "" {
		reserve(p, pod, w)
	}
	return p
}

// needsClaims reports that a pod may need claims: one that is being deleted or has ended needs none.
func needsClaims(pod *ocorev1.Pod) bool {
	return len(pod.Spec.ResourceClaims) > 0 && pod.DeletionTimestamp == nil && !resourceclaims.Done(pod)
}
