package podgc

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

// Plan deletes the pod if nobody else will, and the oldest pods that have ended if there are too many.
func (c controller) Plan(pod *ocorev1.Pod, w world, now time.Time) *plan.Plan {
	p := plan.New()
	switch {
	case forced(pod):
	case w.gone:
		remove(p, pod, orphaned(pod, now), fmt.Sprintf("node %s does not exist", pod.Spec.NodeName))
	case !w.missing.IsZero():
		p.After(w.missing.Add(quarantine).Sub(now), fmt.Sprintf("node %s has been missed for long enough then", pod.Spec.NodeName))
	case pod.DeletionTimestamp != nil && pod.Spec.NodeName == "":
		remove(p, pod, failed(pod), "it is deleted, and no node runs it")
	case pod.DeletionTimestamp != nil && w.outOfService:
		remove(p, pod, failed(pod), fmt.Sprintf("it is deleted, and node %s is out of service", pod.Spec.NodeName))
	}
	if surplus := len(w.ended) - c.Ended; surplus > 0 && c.Ended >= 0 {
		p.Delete(fmt.Sprintf("%d pods have ended, %d are kept", len(w.ended), c.Ended), oldest(w.ended, surplus)...).
			With(client.GracePeriodSeconds(0))
	}
	return p
}

// remove deletes a pod at once, after it has got its last status.
func remove(p *plan.Plan, pod, last *ocorev1.Pod, why string) {
	p.Status(pod, last)
	p.Delete(why, pod).With(client.GracePeriodSeconds(0))
}

// forced reports that a pod has been deleted without grace before, and only its finalizers keep it.
func forced(pod *ocorev1.Pod) bool {
	return pod.DeletionTimestamp != nil && pod.DeletionGracePeriodSeconds != nil && *pod.DeletionGracePeriodSeconds == 0 && ended(pod)
}

// failed is the pod as one that has failed, unless it has ended before.
func failed(pod *ocorev1.Pod) *ocorev1.Pod {
	last := pod.DeepCopy()
	if !ended(pod) {
		last.Status.Phase = corev1.PodFailed
	}
	return last
}

// orphaned is the pod as one that has failed because its node is gone.
func orphaned(pod *ocorev1.Pod, now time.Time) *ocorev1.Pod {
	last := failed(pod)
	if !ended(pod) {
		podstatus.Disrupt(last, "DeletionByPodGC", "PodGC: node no longer exists", now)
	}
	return last
}

// oldest are the n pods that were created first, those that were evicted before all others. It leaves alone those that
// have been deleted at once already, and counts them.
func oldest(pods []ocorev1.Pod, n int) []client.Object {
	byAge := make([]*ocorev1.Pod, len(pods))
	for i := range pods {
		byAge[i] = &pods[i]
	}
	slices.SortFunc(byAge, func(a, b *ocorev1.Pod) int {
		return cmp.Or(
			cmp.Compare(rank(a), rank(b)),
			a.CreationTimestamp.Compare(b.CreationTimestamp.Time),
			cmp.Compare(a.Namespace, b.Namespace),
			cmp.Compare(a.Name, b.Name),
		)
	})
	var chosen []client.Object
	for _, pod := range byAge[:n] {
		if !forced(pod) {
			chosen = append(chosen, pod)
		}
	}
	return chosen
}

func rank(pod *ocorev1.Pod) int {
	if pod.Status.Phase == corev1.PodFailed && pod.Status.Reason == "Evicted" {
		return 0
	}
	return 1
}
