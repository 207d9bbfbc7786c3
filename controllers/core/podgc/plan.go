package podgc

import (
	"fmt"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/podstatus"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Plan deletes the pod if nobody else will.
func (Controller) Plan(pod *ocorev1.Pod, w world, now time.Time) *plan.Plan {
	node, terminating := pod.Spec.NodeName, pod.DeletionTimestamp != nil
	switch {
	case podstatus.Finalized(pod):
		return plan.New() // it has been deleted at once before
	case w.gone:
		return remove(pod, orphaned(pod, now), fmt.Sprintf("node %s does not exist", node))
	case !w.missed.IsZero():
		p := plan.New()
		p.After(w.missed.Add(quarantine).Sub(now), fmt.Sprintf("node %s has been missed for %s then", node, quarantine))
		return p
	case terminating && node == "":
		return remove(pod, failed(pod), "it is deleted, and no node runs it")
	case terminating && w.outOfService:
		return remove(pod, failed(pod), fmt.Sprintf("it is deleted, and node %s is out of service", node))
	default:
		return plan.New()
	}
}

// remove gives a pod its last status, and deletes it at once.
func remove(pod, last *ocorev1.Pod, why string) *plan.Plan {
	p := plan.New()
	p.Status(pod, last)
	p.Delete(why, pod).With(client.GracePeriodSeconds(0))
	return p
}

// failed is the pod as one that has failed, unless it has ended before.
func failed(pod *ocorev1.Pod) *ocorev1.Pod {
	last := pod.DeepCopy()
	if !replicas.Ended(pod) {
		last.Status.Phase = corev1.PodFailed
	}
	return last
}

// orphaned is the pod as one that has failed because its node is gone.
func orphaned(pod *ocorev1.Pod, now time.Time) *ocorev1.Pod {
	last := failed(pod)
	if !replicas.Ended(pod) {
		podstatus.Disrupt(last, "DeletionByPodGC", "PodGC: node no longer exists", now)
	}
	return last
}
