package ephemeralvolume

import (
	"fmt"
	"strings"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const reasonFailedBinding = "FailedBinding"

// sayTaken plans to say that the claim of a volume is not the pod's, once for as long as it is so.
func sayTaken(p *plan.Plan, pod *ocorev1.Pod, volume *corev1.Volume, claim *ocorev1.PersistentVolumeClaim) {
	p.EventOnce(pod, plan.Warning, reasonFailedBinding, "ephemeral volume %s: PVC %s/%s was not created for pod %s/%s (pod is not owner)",
		volume.Name, claim.Namespace, claim.Name, pod.Namespace, pod.Name)
}

func notMade(pod *ocorev1.Pod, claim client.Object, err error) plan.Event {
	return plan.Event{
		Regarding: pod, Type: plan.Warning, Reason: reasonFailedBinding,
		Message: fmt.Sprintf("ephemeral volume %s: create PVC %s: %v", strings.TrimPrefix(claim.GetName(), pod.Name+"-"), claim.GetName(), err),
	}
}
