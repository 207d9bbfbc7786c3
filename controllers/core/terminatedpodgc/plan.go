package terminatedpodgc

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/podstatus"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Plan deletes the terminated pods beyond the threshold.
func (c Controller) Plan(_ client.ObjectKey, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	surplus := len(w.terminated) - c.Threshold
	if c.Threshold < 0 || surplus <= 0 {
		return p
	}
	plan.DeleteAll(p, fmt.Sprintf("%d pods have terminated, %d are kept", len(w.terminated), c.Threshold), oldest(w.terminated, surplus)).
		With(client.GracePeriodSeconds(0))
	return p
}

// oldest are the n pods that go first, without those that only their finalizers keep.
func oldest(pods []ocorev1.Pod, n int) []*ocorev1.Pod {
	sorted := make([]*ocorev1.Pod, len(pods))
	for i := range pods {
		sorted[i] = &pods[i]
	}
	slices.SortFunc(sorted, evictedAndOldestFirst)
	var going []*ocorev1.Pod
	for _, pod := range sorted[:n] {
		if !podstatus.Finalized(pod) {
			going = append(going, pod)
		}
	}
	return going
}

func evictedAndOldestFirst(a, b *ocorev1.Pod) int {
	if evicted(a) != evicted(b) {
		if evicted(a) {
			return -1
		}
		return 1
	}
	return cmp.Or(
		a.CreationTimestamp.Compare(b.CreationTimestamp.Time),
		cmp.Compare(a.Namespace, b.Namespace),
		cmp.Compare(a.Name, b.Name),
	)
}

// evicted reports that a node has thrown a pod out: whoever made it has got another since.
func evicted(pod *ocorev1.Pod) bool {
	return pod.Status.Phase == corev1.PodFailed && pod.Status.Reason == "Evicted"
}
