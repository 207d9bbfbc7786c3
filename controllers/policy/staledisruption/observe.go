package staledisruption

import (
	"context"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/conditionsof"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
)

// world is what is known of a pod besides its spec.
type world struct {
	// since is since when it has been about to be disrupted; zero if it is not.
	since time.Time
}

// Observe has nothing to read but the pod.
func (Controller) Observe(_ context.Context, _ loop.View, pod *ocorev1.Pod) (world, error) {
	return world{since(pod)}, nil
}

// since is since when a pod that goes on has been about to be disrupted, by somebody else than its node agent; zero if it is not.
func since(pod *ocorev1.Pod) time.Time {
	c, found := conditionsof.Pod.Find(pod.Status.Conditions, corev1.DisruptionTarget)
	if !found || c.Status != corev1.ConditionTrue || c.Reason == corev1.PodReasonTerminationByKubelet || !replicas.Active(pod) {
		return time.Time{}
	}
	return c.LastTransitionTime.Time
}
