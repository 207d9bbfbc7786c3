package volumedetach

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
)

// sayAttached tells a pod that one of its volumes is there. The message ends with the space that kube-controller-manager's has.
func sayAttached(p *plan.Plan, pod *ocorev1.Pod, v volume) {
	p.Event(pod, plan.Normal, "SuccessfulAttachVolume", "AttachVolume.Attach succeeded for volume %q ", v.called)
}
